-- AlterTable
ALTER TABLE "agent_runtime"."sent_message" ADD COLUMN     "create_key" TEXT,
ADD COLUMN     "fingerprint" TEXT;

-- CreateIndex
CREATE INDEX "sent_message_create_key_idx" ON "agent_runtime"."sent_message"("create_key") WHERE (create_key IS NOT NULL);
