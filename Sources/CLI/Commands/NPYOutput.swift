import Embeddings
import Glibc
import SystemPackage
import Tasks

/// Standard output as a NumPy file, whose header holds the number of rows that only the end knows.
///
/// A file gets its header corrected in place. Through a pipe the rows wait in a temporary file.
struct NPYOutput {
    private let layout: EmbeddingRecords.Layout
    private let rows: FileDescriptor
    private let start: Int64
    private let isFile: Bool

    init(_ layout: EmbeddingRecords.Layout) throws(RecordStream.Failure) {
        self.layout = layout
        do {
            let flags = fcntl(STDOUT_FILENO, F_GETFL)
            var position: Int64? = nil
            if flags & O_APPEND == 0 { position = try? FileDescriptor.standardOutput.seek(offset: 0, from: .current) }
            isFile = position != nil
            start = position ?? 0
            rows = isFile ? .standardOutput : try Self.temporaryFile()
            if isFile { try rows.writeAll(header(rows: 0)) }
        } catch { throw .output(error as? Errno ?? .ioError) }
    }

    /// Runs `body`, which writes the rows, and completes the file whatever it throws.
    func run(_ body: (FileDescriptor) throws -> Void) throws {
        let result = Result { try body(rows) }
        try finish()
        try result.get()
    }

    private func finish() throws(RecordStream.Failure) {
        do {
            let end = try rows.seek(offset: 0, from: .end)
            let dataStart = isFile ? start + Int64(NPYHeader.byteCount) : 0
            let header = header(rows: Int(end - dataStart) / layout.rowSize)
            if isFile {
                _ = try rows.writeAll(toAbsoluteOffset: start, header)
                return
            }
            try FileDescriptor.standardOutput.writeAll(header)
            try rows.seek(offset: 0, from: .start)
            var chunk = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = unsafe try chunk.withUnsafeMutableBytes { unsafe try rows.read(into: $0) }
                if count == 0 { return }
                try FileDescriptor.standardOutput.writeAll(chunk[..<count])
            }
        } catch {
            let error = error as? Errno ?? .ioError
            if error != .brokenPipe { throw .output(error) }
        }
    }

    private func header(rows: Int) -> [UInt8] {
        NPYHeader.bytes(rows: rows, columns: layout.columns, element: layout.element)
    }

    /// A file without a name: it goes with the program.
    private static func temporaryFile() throws -> FileDescriptor {
        let directory = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/graft-XXXXXX".utf8CString)
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        unsafe template.withUnsafeBufferPointer { _ = unsafe unlink($0.baseAddress!) }
        return FileDescriptor(rawValue: descriptor)
    }
}
