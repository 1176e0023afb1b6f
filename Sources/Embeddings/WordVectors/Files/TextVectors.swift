import Checkpoints
import SystemPackage
import Tensors

/// GloVe's and word2vec's text, and fastText's `.vec`: read once, in parallel.
///
/// A row has as many numbers as the header, or the first line, says; what stands before them is the word, blanks in it
/// included. Words with blanks that end in a decimal fraction, or most of which end in a number, are rows with more
/// numbers than that. Of rows with the same word the first one counts.
struct TextVectors {
    private let file: MappedFile
    private let dimension: Int
    private let start: Int

    init(_ file: MappedFile, _ header: WordVectorFormat.Header?) throws(WordVectorsError) {
        self.file = file
        start = header?.length ?? 0
        if let header {
            dimension = header.dimension
        } else {
            let line = file.bytes(0..<min(file.count, 1 << 16)).prefix { $0 != 0x0A }
            dimension = TextRow.fields(line).count - 1
        }
        guard dimension > 0 else { throw .header(file.path, "its header promises vectors of no numbers") }
        if let header, header.words == 0 { throw .noWords(file.path) }
    }

    /// Lines that one call parses.
    private struct Part {
        var bytes: Range<Int>
        var firstRow = 0
        var rows = 0
    }

    private struct Rows {
        /// Where each word stands in the file.
        var words: [Range<Int>] = []
        var withBlanks = 0
        /// Words with blanks whose last part is a whole number, and the line of the first.
        var endingInNumber = 0
        var firstLineEndingInNumber: Int?
        var error: WordVectorsError?
    }

    func read(_ header: WordVectorFormat.Header?) throws(WordVectorsError) -> ReadVectors {
        var parts = split()
        let counts = parallelMap(parts.count) { countLines(parts[$0].bytes) }
        var rows = 0
        for (i, count) in counts.enumerated() {
            parts[i].firstRow = rows
            parts[i].rows = count
            rows += count
        }
        let firstLine = header == nil ? 1 : 2
        // Every number takes two bytes: a header or a first line that promises more asks for no memory.
        guard rows > 0, rows <= file.count / 2 / dimension else {
            throw rows == 0
                ? .noWords(file.path)
                : .raggedRow(file.path, line: firstLine, found: firstFields(), expected: dimension)
        }
        var results: [Rows] = []
        var matrix = unsafe StoredRows(rows: rows, columns: dimension) { values in
            results = parallelMap(parts.count) { part in
                unsafe parse(parts[part], firstLine: firstLine, values + parts[part].firstRow * dimension)
            }
        }
        if let error = results.lazy.compactMap(\.error).first { throw error }
        if 2 * results.reduce(0, { $0 + $1.endingInNumber }) > rows,
            let line = results.lazy.compactMap(\.firstLineEndingInNumber).first
        {
            throw .raggedRow(file.path, line: line, found: dimension + 1, expected: dimension)
        }
        if let header, header.words != rows { throw .rowCount(file.path, found: rows, expected: header.words) }

        var builder = WordTableBuilder(capacity: rows)
        var kept: [Int] = []
        for (row, word) in results.lazy.flatMap(\.words).enumerated() {
            switch unsafe file.withUnsafeBytes({ unsafe builder.add(UnsafeRawBufferPointer(rebasing: $0[word])) }) {
            case true?: kept.append(row)
            case false?: break
            case nil: throw .tooManyWords(file.path)
            }
        }
        if kept.count < rows { matrix = matrix.selecting(kept) }
        return ReadVectors(
            words: builder.table, rows: matrix, duplicates: rows - kept.count,
            withBlanks: results.reduce(0) { $0 + $1.withBlanks },
            isUnterminated: file.bytes(file.count - 1..<file.count) != [0x0A])
    }

    private func firstFields() -> Int {
        TextRow.fields(file.bytes(start..<min(file.count, start + 1 << 16)).prefix { $0 != 0x0A }).count - 1
    }

    /// Parts of about a megabyte, each of whole lines.
    private func split() -> [Part] {
        unsafe file.withUnsafeBytes { bytes in
            var parts: [Part] = []
            var start = start
            while start < bytes.count {
                var end = min(bytes.count, start + 1 << 20)
                while end < bytes.count, unsafe bytes[end - 1] != 0x0A { end += 1 }
                parts.append(Part(bytes: start..<end))
                start = end
            }
            return parts
        }
    }

    /// The lines in a part, empty ones at the file's end left out.
    private func countLines(_ range: Range<Int>) -> Int {
        unsafe file.withUnsafeBytes { bytes in
            var end = range.upperBound
            if end == bytes.count {
                while end > range.lowerBound, unsafe bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
                if end == range.lowerBound { return 0 }
                return unsafe bytes[range.lowerBound..<end].reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
            }
            return unsafe bytes[range].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
        }
    }

    private func parse(_ part: Part, firstLine: Int, _ values: UnsafeMutablePointer<Float>) -> Rows {
        var rows = Rows()
        rows.words.reserveCapacity(part.rows)
        unsafe file.withUnsafeBytes { bytes in
            var start = part.bytes.lowerBound
            for row in 0..<part.rows {
                var end = start
                while end < part.bytes.upperBound, unsafe bytes[end] != 0x0A { end += 1 }
                let line = firstLine + part.firstRow + row
                do throws(WordVectorsError) {
                    let word = try unsafe parse(bytes, start..<end, line: line, values + row * dimension)
                    if let last = unsafe lastPart(of: word, in: bytes) {
                        rows.withBlanks += 1
                        if unsafe TextRow.number(last) != nil {
                            if unsafe last.contains(0x2E) {
                                throw .raggedRow(file.path, line: line, found: dimension + 1, expected: dimension)
                            }
                            rows.endingInNumber += 1
                            rows.firstLineEndingInNumber = rows.firstLineEndingInNumber ?? line
                        }
                    }
                    rows.words.append(word)
                } catch {
                    rows.error = error
                    return
                }
                start = end + 1
            }
        }
        return rows
    }

    /// Reads a line's numbers from the right; what remains is the word.
    private func parse(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, line number: Int, _ values: UnsafeMutablePointer<Float>
    ) throws(WordVectorsError) -> Range<Int> {
        var end = line.upperBound
        func skipBlanks() {
            while end > line.lowerBound, unsafe TextRow.isBlank(bytes[end - 1]) || bytes[end - 1] == 0x0D { end -= 1 }
        }
        skipBlanks()
        for i in (0..<dimension).reversed() {
            var start = end
            while start > line.lowerBound, unsafe !TextRow.isBlank(bytes[start - 1]) { start -= 1 }
            // The word is not a number.
            guard start > line.lowerBound, start < end else {
                throw .raggedRow(file.path, line: number, found: dimension - 1 - i, expected: dimension)
            }
            let field = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard let value = unsafe TextRow.number(field) else {
                // Either a damaged number, or fewer numbers than expected behind a word with blanks.
                throw .notANumber(file.path, line: number, text: unsafe String(decoding: field, as: UTF8.self))
            }
            guard value.isFinite else {
                let word = unsafe bytes[line].prefix { !TextRow.isBlank($0) }
                throw .notFinite(file.path, word: unsafe String(decoding: word, as: UTF8.self))
            }
            unsafe values[i] = value
            end = start
            skipBlanks()
        }
        guard end > line.lowerBound else {
            throw .raggedRow(file.path, line: number, found: dimension - 1, expected: dimension)
        }
        return line.lowerBound..<end
    }

    /// What stands behind the last blank of a word; `nil` where it has none.
    private func lastPart(of word: Range<Int>, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let blank = unsafe bytes[word].lastIndex(where: TextRow.isBlank) else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[blank + 1..<word.upperBound])
    }
}

/// What a file of plain vectors holds.
struct ReadVectors {
    var words: WordTable
    var rows: StoredRows
    /// Rows left out because their word had come before.
    var duplicates = 0
    /// Words with blanks in them.
    var withBlanks = 0
    /// Whether the file's last line has no line break.
    var isUnterminated = false
    /// See `WordVectors.shared`.
    var shared: [Int32] = []
}
