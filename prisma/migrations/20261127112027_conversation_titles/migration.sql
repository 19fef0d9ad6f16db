-- CreateEnum
CREATE TYPE "agent_runtime"."titled_by" AS ENUM ('caller', 'message', 'hook');

-- AlterTable
ALTER TABLE "agent_runtime"."conversation" ADD COLUMN     "titled_by" "agent_runtime"."titled_by";
