-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "archived_at" TIMESTAMPTZ(3);
