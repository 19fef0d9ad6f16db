-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "in_company" BOOLEAN NOT NULL DEFAULT false;
