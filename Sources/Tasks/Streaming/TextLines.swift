import Checkpoints
public import SystemPackage

/// A file of texts, one a line, read whole; empty lines are left out.
public struct TextLines: Equatable, Sendable {
    public let texts: [String]

    public enum Failure: Error, Equatable, Sendable {
        case unreadable(FilePath, Errno)
        case line(FilePath, LineFault)
        case noTexts(FilePath)
    }

    /// - Throws: `line` for one that is too long or not valid UTF-8; `noTexts`.
    public init(_ path: FilePath) throws(Failure) {
        var texts: [String] = []
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            let reader = LineReader(descriptor)
            while case let lines = try reader.nextWindow(limit: RecordStream.windowLimit), !lines.isEmpty {
                for line in lines {
                    texts.append(try InputText(line, readsJSON: false, acceptsPairs: false).text)
                }
            }
        } catch let fault as LineFault {
            throw .line(path, fault)
        } catch {
            throw .unreadable(path, error as? Errno ?? .ioError)
        }
        self.texts = texts.filter { !$0.isEmpty }
        if self.texts.isEmpty { throw .noTexts(path) }
    }
}

extension TextLines.Failure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let error): "\(CheckpointError.unreadable(file, error))"
        case .line(let file, let fault): "\(file): \(fault.description)."
        case .noTexts(let file): "\(file): holds no text; expected one a line."
        }
    }
}
