-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "branch" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "branch" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "agent_runtime"."message" ADD COLUMN     "id" TEXT;

-- CreateTable
CREATE TABLE "agent_runtime"."branch" (
    "conversation_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "from_branch" INTEGER NOT NULL,
    "before_ordinal" BIGINT NOT NULL,
    "before_position" INTEGER NOT NULL,
    "before_run_id" UUID NOT NULL,
    "first_run_id" UUID NOT NULL,

    CONSTRAINT "branch_pkey" PRIMARY KEY ("conversation_id","number")
);

-- AddForeignKey
ALTER TABLE "agent_runtime"."branch" ADD CONSTRAINT "branch_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "agent_runtime"."conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;
