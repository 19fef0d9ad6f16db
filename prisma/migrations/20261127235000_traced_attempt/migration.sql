-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "traced_attempt" INTEGER;
