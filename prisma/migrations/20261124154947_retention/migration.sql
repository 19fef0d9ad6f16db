-- CreateTable
CREATE TABLE "agent_runtime"."sweep" (
    "name" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "id" UUID NOT NULL,

    CONSTRAINT "sweep_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "run_finished_idx" ON "agent_runtime"."run"("finished_at", "id") WHERE (finished_at IS NOT NULL);

-- Every sweep there is, at its beginning: its row is its lock, so it must be there.
INSERT INTO "agent_runtime"."sweep" ("name", "at", "id")
SELECT name, 'epoch', '00000000-0000-0000-0000-000000000000'
FROM unnest(ARRAY['compaction', 'conversations', 'retention']) AS name;

-- By default PostgreSQL cleans up when a fifth of a table is dead or new: of a hundred million events that is
-- one vacuum of hours, after the table has swollen by as much. A twentieth makes it smaller and more frequent,
-- and keeps the visibility map current enough for each to skip most of the table. Statistics need no more
-- rows when the table is larger, so they can be renewed as often.
ALTER TABLE "agent_runtime"."event" SET (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
