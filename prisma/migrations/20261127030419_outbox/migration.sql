-- CreateTable
CREATE TABLE "agent_runtime"."outbox" (
    "run_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "queue" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "send_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("run_id","seq","queue")
);

-- CreateTable
CREATE TABLE "agent_runtime"."queue_epoch" (
    "queue" TEXT NOT NULL,
    "epoch" TEXT NOT NULL,

    CONSTRAINT "queue_epoch_pkey" PRIMARY KEY ("queue")
);

-- CreateTable
CREATE TABLE "agent_runtime"."installation" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),

    CONSTRAINT "installation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "outbox_send_at_idx" ON "agent_runtime"."outbox"("send_at");

INSERT INTO "agent_runtime"."installation" DEFAULT VALUES;
