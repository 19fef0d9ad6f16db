-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "moved_run_id" UUID,
ADD COLUMN     "moves" INTEGER NOT NULL DEFAULT 0;
