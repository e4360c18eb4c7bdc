"""One file or folder per kind of process: thin loops that receive, ask the core, and perform what it says.

What notices a failure, and what it does:

| failure | noticed by |
|---|---|
| the leader dies, hangs, is stopped | coordinators of other instances, by its lease: one takes over within ten seconds |
| an instance leads two shards more than another | one of its coordinators hands over (`common/processes/balance.py`) |
| `main` of a process fails | its restart loop: a crash dump, a pause, the next run (`common/process.py`) |
| a process ends | supervisord, which starts it again at once |
| a process hangs or was stopped | the watchdog, which looks every second: kill -9 (`common/processes/hang.py`) |
| the watchdog hangs or was stopped | `supervise`, which reads its heartbeat too: kill -9 |
| supervisord was stopped | `supervise`, which lets it go on; the watchdog does the same for `supervise` |
| supervisord hangs | the watchdog kills it after 20 s, `supervise` where the watchdog does not come back within 30 s |
| supervisord is gone | each process, which looks at its parent twice a second; `supervise` kills the rest and exits with 1 |
| `supervise` hangs | a thread of its own, which ends it: as process 1 of a container no other process can |
| `supervise` is gone | the kernel, which kills supervisord (PDEATHSIG), and with it all the rest ends |

With an exit code other than 0 the program that started the stack (Docker, systemd) starts it again. All ends are like `kill
-9`, which loses nothing. The next start waits up to ten seconds for an earlier run that is ending before it calls an address in
use.

Hung is not starved: seconds without a heartbeat are divided by what the kernel says of the process (asleep, computing, waiting
for a CPU). Rapid cycling is slowed and never given up: pauses of 1 s to 5 min, kept over restarts. All processes write into
one pipe, which `supervise` copies to its own standard output, line by line, in one form.

All this is per instance: several may share STATE_DIR, each with a directory of its own (`Settings.instance_dir`) for
heartbeats, records of starts and sockets. `supervise` holds the lock in it. An instance that was stopped leaves no heartbeat;
one that died is shown as gone for ten minutes, and then a control process of any other one deletes its directory.

The image has the bytecode of everything: its file system is read-only, so whatever is not compiled at the build would be
compiled again by ten processes at every start.
"""
