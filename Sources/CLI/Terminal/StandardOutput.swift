import JSON
import SystemPackage
import Tasks

/// Standard output of commands that print a few lines. What cannot be written there is an error; that the reader went
/// away is none.
enum StandardOutput {
    static func print(_ text: some CustomStringConvertible, terminator: String = "\n") throws(RecordStream.Failure) {
        try write(Array((text.description + terminator).utf8))
    }

    static func write(_ bytes: [UInt8]) throws(RecordStream.Failure) {
        do { try FileDescriptor.standardOutput.writeAll(bytes) } catch {
            let error = error as? Errno ?? .ioError
            if error != .brokenPipe { throw .output(error) }
        }
    }

    /// A JSON record in a line of its own.
    static func print(line record: JSON) throws(RecordStream.Failure) {
        var line = JSONWriter()
        line.write(record)
        try print(String(decoding: line.bytes, as: UTF8.self))
    }
}
