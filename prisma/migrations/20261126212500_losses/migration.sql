-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "losses" INTEGER NOT NULL DEFAULT 0;
