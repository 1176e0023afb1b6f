import Glibc
import Synchronization
import SystemPackage

/// What the program does about signals.
enum Signals {
    private static let interruption = Atomic<CInt>(0)
    private static let writeEnd = Atomic<CInt>(-1)

    /// Whether a signal came since `catchInterruption`.
    static var isInterrupted: Bool { interruption.load(ordering: .relaxed) != 0 }

    /// A closed pipe, or a file larger than a limit, shows as an error of the write.
    static func ignoreBrokenWrites() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// The first Ctrl-C or SIGTERM lets what is being done come to an end that nothing is lost by; the second ends the
    /// program at once.
    ///
    /// - Returns: what becomes readable with the first, so that nobody who waits for input just then misses it.
    static func catchInterruption() throws -> FileDescriptor {
        let pipe = try FileDescriptor.pipe()
        writeEnd.store(pipe.writeEnd.rawValue, ordering: .relaxed)
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            Signals.interruption.store(number, ordering: .relaxed)
            var byte: UInt8 = 1
            _ = unsafe write(Signals.writeEnd.load(ordering: .relaxed), &byte, 1)
            signal(number, SIG_DFL)
        }
        // Without SA_RESTART: a read that waits for input ends, too.
        action.sa_flags = 0
        for signal in [SIGINT, SIGTERM] { unsafe sigaction(signal, &action, nil) }
        return pipe.readEnd
    }

    /// The exit status of a program that a signal ended.
    static var interruptedStatus: Int32 { 128 + interruption.load(ordering: .relaxed) }
}
