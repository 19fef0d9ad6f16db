-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "agent_version" TEXT;
