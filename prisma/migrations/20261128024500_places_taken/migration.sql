-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "places_taken" INTEGER;
