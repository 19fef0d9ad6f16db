-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "attempt_traceparent" TEXT;
