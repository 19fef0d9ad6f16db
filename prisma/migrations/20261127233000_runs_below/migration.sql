-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "runs_below" INTEGER;
