-- AlterEnum
ALTER TYPE "agent_runtime"."message_origin" ADD VALUE 'incomplete';
