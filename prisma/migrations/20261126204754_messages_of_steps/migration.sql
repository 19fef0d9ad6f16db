-- AlterTable
ALTER TABLE "agent_runtime"."step" ADD COLUMN     "message_ids" JSONB NOT NULL DEFAULT '[]';
