import Checkpoints
public import SystemPackage
import Tensors

extension WordVectors {
    /// Formats that vectors can be written in.
    public enum OutputFormat: String, Sendable, CaseIterable {
        case graft
        case fastText = "fasttext"
        case glove, word2vec
        case word2vecBinary = "word2vec-binary"
    }

    /// Writes the words' vectors; our own format and fastText's take the n-grams' along.
    ///
    /// - Throws: `notFinite`; `unwritableWord` for a word with a blank where blanks end words, or with a zero byte
    ///   where that does.
    public func write(_ format: OutputFormat, to output: FilePath) throws(WordVectorsError) {
        if self.format == .graft {
            try GraftVectorsFile.verify(try readingVectors { () throws(CheckpointError) in try MappedFile(path) })
        }
        try checkFinite()
        switch format {
        case .graft: try GraftVectorsFile.write(self, to: output)
        case .fastText: try writeFastText(to: output)
        case .glove: try writeRows(to: output, hasHeader: false, isBinary: false)
        case .word2vec: try writeRows(to: output, hasHeader: true, isBinary: false)
        case .word2vecBinary: try writeRows(to: output, hasHeader: true, isBinary: true)
        }
    }

    private func writeRows(to output: FilePath, hasHeader: Bool, isBinary: Bool) throws(WordVectorsError) {
        for row in 0..<count {
            let isWritable = unsafe words.text.withBytes(words.bytes(row)) { bytes in
                unsafe !bytes.isEmpty && !bytes.contains { TextRow.isBlank($0) || $0 == 0x0A || $0 == 0x0D }
            }
            if !isWritable { throw .unwritableWord(path, word: words[row]) }
        }
        try readingVectors { () throws(CheckpointError) in
            let file = try AtomicFile(output)
            if hasHeader { try file.write(Array("\(count) \(dimension)\n".utf8)) }
            let perPart = 4096
            for start in stride(from: 0, to: count, by: perPart) {
                let values = rows.copy(start..<min(count, start + perPart))
                let lines = parallelMap(values.rows) {
                    line(start + $0, values.row($0), isBinary: isBinary)
                }
                try file.write(Array(lines.joined()))
            }
            try file.commit()
        }
    }

    private func line(_ row: Int, _ values: ArraySlice<Float>, isBinary: Bool) -> [UInt8] {
        var bytes = words.utf8(row)
        if isBinary {
            bytes.append(0x20)
            unsafe values.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        } else {
            for value in values {
                bytes.append(0x20)
                bytes.append(contentsOf: value.description.utf8)
            }
        }
        bytes.append(0x0A)
        return bytes
    }
}
