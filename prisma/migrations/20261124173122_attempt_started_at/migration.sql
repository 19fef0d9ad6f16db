-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "attempt_started_at" TIMESTAMPTZ(3);
