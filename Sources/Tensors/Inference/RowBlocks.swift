/// How the rows of a product are cut: few different sizes, because every size is compiled for every shape of weights.
enum RowBlocks {
    static let largest = 64
    static let smallest = 8
    /// Up to so many rows are one block of just their number: one short text waits for no row that nobody wants. A program that
    /// reads texts one by one has soon compiled them all.
    private static let largestExact = 32

    /// Rows of whole blocks. What the rows behind the last hold is computed and not used.
    static func padded(_ rows: Int) -> Int {
        rows <= largestExact ? rows : (rows + smallest - 1) / smallest * smallest
    }

    /// As many of the largest block as there are, then halves of it.
    static func blocks(_ rows: Int) -> [Range<Int>] {
        if rows <= largestExact { return rows > 0 ? [0..<rows] : [] }
        var blocks: [Range<Int>] = []
        var (start, size) = (0, largest)
        let end = padded(rows)
        while start < end {
            while end - start < size { size /= 2 }
            blocks.append(start..<start + size)
            start += size
        }
        return blocks
    }
}
