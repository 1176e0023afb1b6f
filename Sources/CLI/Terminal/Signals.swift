import Glibc
import Synchronization

/// What the program does about signals.
enum Signals {
    private static let interruption = Atomic<Bool>(false)

    /// Whether Ctrl-C was pressed since `catchInterruption`.
    static var isInterrupted: Bool { interruption.load(ordering: .relaxed) }

    /// A closed pipe shows as an error of the write, which ends the program quietly.
    static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

    /// The first Ctrl-C lets the record that is being written end; the second ends the program at once.
    static func catchInterruption() {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in
            Signals.interruption.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
        // Without SA_RESTART: a read that waits for input ends, too.
        action.sa_flags = 0
        unsafe sigaction(SIGINT, &action, nil)
    }

    /// The exit status of a program that Ctrl-C ended.
    static let interruptedStatus: Int32 = 130
}
