import Glibc
import SystemPackage

/// Standard error: progress, warnings and errors. What cannot be written there is dropped.
enum StandardError {
    static let isTerminal = isatty(STDERR_FILENO) == 1

    static func write(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(Array(text.utf8)) }

    /// A line of its own, such as what is being done now.
    static func note(_ text: String) { write("graft: \(text.printable)\n") }
}
