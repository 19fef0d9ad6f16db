// What a socket says before the server closes it, and why it closes: close codes from RFC 6455's registry.
export const RECONNECT = { id: null, method: 'reconnect' }

export const POLICY_VIOLATION = 1008
export const RESTARTING = 1012
export const TRY_AGAIN_LATER = 1013

/** Time in which a client must open another socket after it was told to. */
export const RETIRE_AFTER_MS = 5_000
