-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "rank" BIGINT;
