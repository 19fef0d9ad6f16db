import { descendantsOf, signalIfThere } from '../../support/processes.ts'
import type { ApiMember, Member } from '../scene/fleet.ts'
import type { Fault, Scene } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/**
 * Delays transactions of all processes, so that a process that is stopped meanwhile is in the middle of some.
 */
const PILE_UP = `DO $$ BEGIN
  LOCK TABLE agent_runtime.event IN EXCLUSIVE MODE;
  PERFORM pg_sleep(0.4);
END $$`
const PILED_UP: Span = [150, 300]
/** Time until somebody notices that a process does not answer, and starts another. */
const NOTICED: Span = [500, 1_500]

/**
 * SIGSTOPs processes in mid-transaction and never continues them, as if a machine had lost its memory or a
 * hypervisor hung. Another process is started instead. It takes API servers, workers with their supervisors,
 * and each of the two alone, in turn.
 */
export function freezeProcesses(every: Span): Fault {
  return async (scene) => {
    const random = scene.random.fork('freeze processes')
    const { workers, servers } = scene.fleet
    const kinds = [
      () => freezeServer(random.pick(servers), scene),
      // Not the first one, since by now it has runs.
      () => freezeWorker(random.pick(workers), scene),
      () => freezeSupervisor(random.pick(workers), scene),
      () => freezeWatched(random.pick(workers), scene),
    ]
    for (let turn = 0; turn < kinds.length || (await pause(random, every, scene.signal)); turn += 1) {
      const piledUp = scene.postgres.sql(PILE_UP)
      await pause(random, PILED_UP, TO_THE_END)
      const member = await kinds[turn % kinds.length]?.()
      await piledUp
      await pause(random, NOTICED, TO_THE_END)
      member?.replace()
      await member?.ready()
    }
  }
}

const TO_THE_END = new AbortController().signal

async function freezeWorker(worker: Member, scene: Scene): Promise<Member> {
  await scene.lose(worker, 'stopped')
  scene.count('worker frozen')
  return worker
}

async function freezeServer(server: ApiMember, scene: Scene): Promise<Member> {
  server.process.kill('SIGSTOP')
  scene.count('API server frozen')
  return server
}

/** Its children continue, without a supervisor. */
async function freezeSupervisor(worker: Member, scene: Scene): Promise<Member> {
  worker.process.kill('SIGSTOP')
  scene.count('supervisor frozen')
  return worker
}

/** Its supervisor notices, kills it and starts another. Nobody else has to. */
async function freezeWatched(worker: Member, scene: Scene): Promise<undefined> {
  for (const child of descendantsOf(worker.process.pid)) signalIfThere(child, 'SIGSTOP')
  scene.count('watched process frozen')
  return undefined
}
