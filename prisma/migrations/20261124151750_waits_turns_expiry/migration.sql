-- CreateEnum
CREATE TYPE "agent_runtime"."wait_kind" AS ENUM ('input', 'approval', 'sleep');

-- DropIndex
DROP INDEX "agent_runtime"."wait_pending_idx";

-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "turn" BIGINT;

-- AlterTable
ALTER TABLE "agent_runtime"."wait" ADD COLUMN     "kind" "agent_runtime"."wait_kind" NOT NULL DEFAULT 'input',
ADD COLUMN     "used_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "run_turn_idx" ON "agent_runtime"."run"("conversation_id", "turn") WHERE (turn IS NOT NULL);

-- CreateIndex
CREATE INDEX "run_expiry_idx" ON "agent_runtime"."run"("expires_at") WHERE (status = 'queued' AND attempt = 0 AND expires_at IS NOT NULL);

-- The order in which runs take their turns in a conversation, whichever server creates them. Given out under
-- the conversation's row lock, so it is the order of commits too.
CREATE SEQUENCE "agent_runtime"."run_turn_seq";
