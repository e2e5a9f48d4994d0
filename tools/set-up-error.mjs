// What set-up can't do for the user: its message is one sentence that says what is missing and how to get it.

export class SetUpError extends Error {}
