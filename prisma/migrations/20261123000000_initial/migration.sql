-- CreateEnum
CREATE TYPE "agent_runtime"."run_status" AS ENUM ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'timed_out');

-- CreateEnum
CREATE TYPE "agent_runtime"."visibility" AS ENUM ('internal', 'debug', 'user');

-- CreateEnum
CREATE TYPE "agent_runtime"."message_origin" AS ENUM ('input', 'output');

-- CreateEnum
CREATE TYPE "agent_runtime"."wait_status" AS ENUM ('pending', 'answered', 'timed_out', 'cancelled');

-- CreateTable
CREATE TABLE "agent_runtime"."conversation" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "agent_key" TEXT,
    "title" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "conversation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_runtime"."run" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL DEFAULT 'user',
    "conversation_id" UUID,
    "agent_key" TEXT NOT NULL,
    "status" "agent_runtime"."run_status" NOT NULL DEFAULT 'queued',
    "params" JSONB,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "output" JSONB,
    "error" JSONB,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "idempotency_key" TEXT,
    "timeout_ms" INTEGER NOT NULL,
    "lease_owner" TEXT,
    "lease_expires_at" TIMESTAMPTZ(3),
    "run_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_runtime"."message" (
    "run_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "conversation_id" UUID,
    "origin" "agent_runtime"."message_origin" NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_pkey" PRIMARY KEY ("run_id","position")
);

-- CreateTable
CREATE TABLE "agent_runtime"."event" (
    "run_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "visibility" "agent_runtime"."visibility" NOT NULL,
    "payload" JSONB NOT NULL,
    "ts" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "agent_runtime"."checkpoint" (
    "run_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "state" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkpoint_pkey" PRIMARY KEY ("run_id")
);

-- CreateTable
CREATE TABLE "agent_runtime"."step" (
    "run_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "occurrence" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "result" JSONB,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "step_pkey" PRIMARY KEY ("run_id","name","occurrence")
);

-- CreateTable
CREATE TABLE "agent_runtime"."wait" (
    "run_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "occurrence" INTEGER NOT NULL,
    "status" "agent_runtime"."wait_status" NOT NULL DEFAULT 'pending',
    "request" JSONB NOT NULL,
    "value" JSONB,
    "responded_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "wait_pkey" PRIMARY KEY ("run_id","name","occurrence")
);

-- CreateTable
CREATE TABLE "agent_runtime"."anonymous_session" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "token_hash" BYTEA NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "anonymous_session_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "conversation_tenant_id_owner_id_id_idx" ON "agent_runtime"."conversation"("tenant_id", "owner_id", "id" DESC);

-- CreateIndex
CREATE INDEX "run_tenant_id_owner_id_id_idx" ON "agent_runtime"."run"("tenant_id", "owner_id", "id" DESC);

-- CreateIndex
CREATE INDEX "run_conversation_id_id_idx" ON "agent_runtime"."run"("conversation_id", "id") WHERE (conversation_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "run_open_idx" ON "agent_runtime"."run"("status", "agent_key", "id") WHERE (status IN ('queued', 'running', 'waiting'));

-- CreateIndex
CREATE UNIQUE INDEX "run_idempotency_key" ON "agent_runtime"."run"("tenant_id", "owner_id", "idempotency_key") WHERE (idempotency_key IS NOT NULL);

-- CreateIndex
CREATE INDEX "message_conversation_id_run_id_position_idx" ON "agent_runtime"."message"("conversation_id", "run_id", "position") WHERE (conversation_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "wait_pending_idx" ON "agent_runtime"."wait"("expires_at") WHERE (status = 'pending');

-- CreateIndex
CREATE UNIQUE INDEX "anonymous_session_token_hash_key" ON "agent_runtime"."anonymous_session"("token_hash");

-- CreateIndex
CREATE INDEX "anonymous_session_expires_at_idx" ON "agent_runtime"."anonymous_session"("expires_at");

-- AddForeignKey
ALTER TABLE "agent_runtime"."run" ADD CONSTRAINT "run_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "agent_runtime"."conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."message" ADD CONSTRAINT "message_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."checkpoint" ADD CONSTRAINT "checkpoint_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."step" ADD CONSTRAINT "step_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."wait" ADD CONSTRAINT "wait_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Rows of run are updated with every batch of events: room on the page keeps those updates off the indexes (HOT).
ALTER TABLE "agent_runtime"."run" SET (fillfactor = 70);
