-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "external_id" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "conversation_external_id_key" ON "agent_runtime"."conversation"("tenant_id", "owner_id", "owner_kind", "external_id") WHERE (external_id IS NOT NULL AND deleted_at IS NULL);
