package import Checkpoints
package import SystemPackage

/// Tokenized texts in an unnamed file, read by their index; 8 bytes of memory a text, whatever its length.
///
/// Read with `pread` and not mapped: the pages of a map count as memory of the process once they were touched, and a
/// step reads a few dozen short pieces.
package final class TokenFile: Sendable {
    private let file: ScratchFile
    /// For each text twice the place of its end in the file, counted in numbers; odd where its token types follow its
    /// ids.
    private let ends: [UInt64]

    fileprivate init(_ file: ScratchFile, ends: [UInt64]) {
        self.file = file
        self.ends = ends
    }

    var count: Int { ends.count }

    private func start(_ index: Int) -> Int { index == 0 ? 0 : Int(ends[index - 1] >> 1) }

    func length(_ index: Int) -> Int {
        let size = Int(ends[index] >> 1) - start(index)
        return ends[index] & 1 == 1 ? size / 2 : size
    }

    subscript(index: Int) -> TokenizedText {
        let (start, length) = (start(index), length(index))
        let hasTypes = ends[index] & 1 == 1
        do {
            let values = try file.read(count: hasTypes ? 2 * length : length, at: start)
            guard hasTypes else { return TokenizedText(ids: values) }
            return TokenizedText(ids: Array(values[..<length]), typeIDs: Array(values[length...]))
        } catch {
            // Like a page of a mapped file that cannot be read: what was written a moment ago is gone.
            fatalError("\(error)")
        }
    }
}

/// Writes a `TokenFile`.
package struct TokenFileWriter: ~Copyable {
    private let file: ScratchFile
    private var ends: [UInt64] = []
    private var place = 0
    private var buffer: [Int32] = []

    package init(in directory: FilePath) throws(CheckpointError) { file = try ScratchFile(in: directory) }

    package mutating func append(_ text: TokenizedText) throws(CheckpointError) {
        buffer += text.ids
        if let types = text.typeIDs { buffer += types }
        place += text.count * (text.typeIDs == nil ? 1 : 2)
        ends.append(UInt64(place) << 1 | (text.typeIDs == nil ? 0 : 1))
        if buffer.count >= 1 << 16 { try flush() }
    }

    private mutating func flush() throws(CheckpointError) {
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    package consuming func finish() throws(CheckpointError) -> TokenFile {
        try flush()
        return TokenFile(file, ends: ends)
    }
}
