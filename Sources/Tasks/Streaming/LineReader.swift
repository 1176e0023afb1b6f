import Glibc
public import SystemPackage

/// Lines of a stream, in windows: as many as are there already, and never waiting for more once there is one.
///
/// So a lone line is answered at once, and a file is read in large windows. Memory is bounded by the window and by the
/// longest line that is accepted.
public final class LineReader {
    public struct Line: Equatable, Sendable {
        /// Counts from 0.
        public let index: Int
        public let content: Content
    }

    public enum Content: Equatable, Sendable {
        case text(String)
        case invalidUTF8(byte: Int)
        case tooLong(limit: Int)
    }

    /// Longer lines are refused.
    public static let lineLimit = 16 << 20

    private let descriptor: FileDescriptor
    private let interruption: FileDescriptor?
    private let lineLimit: Int
    private var buffer: [UInt8] = []
    private var position = 0
    /// No line ends before this place of the buffer.
    private var scanned = 0
    private var atEnd = false
    private var skipsRestOfLine = false
    private var nextIndex = 0

    /// - Parameter interruption: what becomes readable when the waiting for input is to end.
    public init(
        _ descriptor: FileDescriptor, lineLimit: Int = LineReader.lineLimit, interruption: FileDescriptor? = nil
    ) {
        self.descriptor = descriptor
        self.interruption = interruption
        self.lineLimit = lineLimit
    }

    /// The next lines, at most `limit` and about `byteLimit` bytes; none at the end of the stream.
    ///
    /// - Throws: `interrupted` where a signal ends the waiting for input.
    public func nextWindow(limit: Int, byteLimit: Int = .max) throws(Errno) -> [Line] {
        var lines: [Line] = []
        var bytes = 0
        while lines.count < limit, bytes < byteLimit {
            let before = position
            if let line = takeLine() {
                lines.append(line)
                bytes += max(0, position - before)
            } else if atEnd {
                break
            } else if !lines.isEmpty, !hasInputReady() {
                break
            } else {
                try fill()
            }
        }
        return lines
    }

    private func takeLine() -> Line? {
        while true {
            let end = buffer[max(position, scanned)...].firstIndex(of: UInt8(ascii: "\n"))
            scanned = end ?? buffer.count
            if skipsRestOfLine {
                guard let end else {
                    position = buffer.count
                    if atEnd { skipsRestOfLine = false }
                    return nil
                }
                position = end + 1
                skipsRestOfLine = false
                continue
            }
            guard let end else {
                if buffer.count - position > lineLimit {
                    skipsRestOfLine = true
                    return makeLine(.tooLong(limit: lineLimit))
                }
                guard atEnd, position < buffer.count else { return nil }
                let content = content(buffer[position...])
                position = buffer.count
                return makeLine(content)
            }
            if nextIndex == 0, buffer[position..<end].starts(with: [0xEF, 0xBB, 0xBF]) { position += 3 }
            let line = buffer[position..<end]
            position = end + 1
            return makeLine(line.count > lineLimit ? .tooLong(limit: lineLimit) : content(line))
        }
    }

    private func content(_ line: ArraySlice<UInt8>) -> Content {
        switch validatedString(line.last == UInt8(ascii: "\r") ? line.dropLast() : line) {
        case .success(let text): .text(text)
        case .failure(let error): .invalidUTF8(byte: error.offset)
        }
    }

    private func makeLine(_ content: Content) -> Line {
        defer { nextIndex += 1 }
        return Line(index: nextIndex, content: content)
    }

    private func hasInputReady() -> Bool {
        var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }

    /// Waits for input or the interruption, whichever comes first or was there before.
    private func waitForInput() throws(Errno) {
        guard let interruption else { return }
        var requests = [descriptor, interruption].map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
        guard unsafe poll(&requests, 2, -1) >= 0 else { throw Errno(rawValue: errno) }
        if requests[1].revents != 0 { throw .interrupted }
    }

    private func fill() throws(Errno) {
        try waitForInput()
        buffer.removeSubrange(..<position)
        scanned -= position
        position = 0
        let start = buffer.count
        let chunk = 1 << 16
        buffer.append(contentsOf: repeatElement(0, count: chunk))
        var count = 0
        do {
            count = unsafe try buffer.withUnsafeMutableBytes { bytes in
                unsafe try descriptor.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), retryOnInterrupt: false)
            }
        } catch {
            buffer.removeLast(chunk)
            throw error as? Errno ?? .ioError
        }
        buffer.removeLast(chunk - count)
        if count == 0 { atEnd = true }
    }
}
