// Why a file couldn't be read or written, in words: the system's codes, translated once.

const words: Readonly<Record<string, string>> = {
  EACCES: "this user may not",
  EDQUOT: "this user's quota is used up",
  EEXIST: "something else is there",
  EISDIR: "it is a directory",
  ELOOP: "its links lead in a circle",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the path is too long",
  ENOENT: "there is no such file or directory",
  ENOSPC: "the disk is full",
  ENOTDIR: "part of the path is a file",
  EPERM: "this user may not",
  EROFS: "the file system is read-only",
};

/** Undefined for what isn't an error of the file system. */
export function describeFileFault(error: unknown): string | undefined {
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const reason = words[code] ?? code;
  return path === undefined ? reason : `"${path}": ${reason}`;
}
