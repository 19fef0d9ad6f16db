-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "conversation_deleted_idx" ON "agent_runtime"."conversation"("id") WHERE (deleted_at IS NOT NULL);
