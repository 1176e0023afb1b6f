import Glibc
import Synchronization
import SystemPackage

/// What the program does about signals.
enum Signals {
    private static let interruption = Atomic<Bool>(false)
    private static let writeEnd = Atomic<CInt>(-1)

    /// Whether Ctrl-C was pressed since `catchInterruption`.
    static var isInterrupted: Bool { interruption.load(ordering: .relaxed) }

    /// A closed pipe shows as an error of the write, which ends the program quietly.
    static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

    /// The first Ctrl-C lets the record that is being written end; the second ends the program at once.
    ///
    /// - Returns: what becomes readable with the first, so that nobody who waits for input just then misses it.
    static func catchInterruption() throws -> FileDescriptor {
        let pipe = try FileDescriptor.pipe()
        writeEnd.store(pipe.writeEnd.rawValue, ordering: .relaxed)
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in
            Signals.interruption.store(true, ordering: .relaxed)
            var byte: UInt8 = 1
            _ = unsafe write(Signals.writeEnd.load(ordering: .relaxed), &byte, 1)
            signal(SIGINT, SIG_DFL)
        }
        // Without SA_RESTART: a read that waits for input ends, too.
        action.sa_flags = 0
        unsafe sigaction(SIGINT, &action, nil)
        return pipe.readEnd
    }

    /// The exit status of a program that Ctrl-C ended.
    static let interruptedStatus: Int32 = 130
}
