-- AlterTable
ALTER TABLE "agent_runtime"."sweep" ADD COLUMN "begun_at" TIMESTAMPTZ(3);
