import Checkpoints
import SystemPackage
import Tensors

/// word2vec's binary file: rows are read where they are, which is aligned in no way, behind an index of the words.
enum BinaryVectors {
    static func read(
        _ file: MappedFile, _ header: WordVectorFormat.Header
    ) throws(WordVectorsError) -> ReadVectors {
        let (count, dimension) = (header.words, header.dimension)
        guard dimension > 0, dimension < file.count else {
            throw .header(file.path, "its header promises vectors of \(dimension == 0 ? "no" : "\(dimension)") numbers")
        }
        if count == 0 { throw .noWords(file.path) }
        var builder = WordTableBuilder(capacity: min(count, file.count / (4 * dimension)))
        var places: [Int] = []
        var offset = header.length
        var duplicates = 0
        for word in 0..<count {
            let range: Range<Int>? = unsafe file.withUnsafeBytes { bytes in
                while offset < bytes.count, unsafe bytes[offset] == 0x0A { offset += 1 }
                var end = offset
                while end < bytes.count, unsafe bytes[end] != 0x20, end - offset < 1 << 16 { end += 1 }
                let isWhole = unsafe end < bytes.count && bytes[end] == 0x20 && bytes.count - end - 1 >= 4 * dimension
                return isWhole ? offset..<end : nil
            }
            guard let range else { throw .truncated(file.path, words: word, expected: count) }
            guard
                let isNew = unsafe file.withUnsafeBytes({
                    unsafe builder.add(UnsafeRawBufferPointer(rebasing: $0[range]))
                })
            else { throw .tooManyWords(file.path) }
            if isNew { places.append(range.upperBound + 1) } else { duplicates += 1 }
            offset = range.upperBound + 1 + 4 * dimension
        }
        let rest = file.count - offset
        guard rest <= 1 else {
            throw .header(
                file.path,
                "\(rest.counted("byte remains", "bytes remain")) behind the \(count.counted("word")) of "
                    + "\(dimension.counted("number"))"
            )
        }
        let rows = StoredRows(columns: dimension, BorrowedBytes(file, 0..<file.count), places: places)
        return ReadVectors(words: builder.table, rows: rows, duplicates: duplicates)
    }
}

extension BorrowedBytes {
    /// A part of a mapped file.
    init(_ file: MappedFile, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "\(range) of \(file.count) bytes")
        self = unsafe file.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return BorrowedBytes([UInt8]()) }
            return unsafe BorrowedBytes(base + range.lowerBound, count: range.count, owner: file)
        }
    }
}
