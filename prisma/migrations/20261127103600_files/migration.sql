-- CreateTable
CREATE TABLE "agent_runtime"."file" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL DEFAULT '',
    "owner_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL DEFAULT 'user',
    "name" TEXT,
    "media_type" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "file_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_runtime"."run_file" (
    "run_id" UUID NOT NULL,
    "file_id" UUID NOT NULL,

    CONSTRAINT "run_file_pkey" PRIMARY KEY ("run_id","file_id")
);

-- CreateTable
CREATE TABLE "agent_runtime"."file_chunk" (
    "file_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "file_chunk_pkey" PRIMARY KEY ("file_id","position")
);

-- CreateIndex
CREATE INDEX "file_tenant_id_owner_id_owner_kind_id_idx" ON "agent_runtime"."file"("tenant_id", "owner_id", "owner_kind", "id" DESC);

-- CreateIndex
CREATE INDEX "file_expiry_idx" ON "agent_runtime"."file"("expires_at") WHERE (expires_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "run_file_file_id_idx" ON "agent_runtime"."run_file"("file_id");

-- AddForeignKey
ALTER TABLE "agent_runtime"."run_file" ADD CONSTRAINT "run_file_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "agent_runtime"."run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."run_file" ADD CONSTRAINT "run_file_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "agent_runtime"."file"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent_runtime"."file_chunk" ADD CONSTRAINT "file_chunk_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "agent_runtime"."file"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What people upload is compressed already.
ALTER TABLE "agent_runtime"."file_chunk" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;
