/// What attention adds to the products of queries and keys by their distance: the product of the query with a key that
/// stands for the distance, and of the key with a query that does.
///
/// Source: He et al. 2021, "DeBERTa", §3.1, equation 4: content to position and position to content.
public struct DisentangledPositions: Sendable {
    public let distances: DistanceRows
    /// One more than the largest distance.
    public let reach: Int
    /// The rows of the whole table that are here.
    let rows: ClosedRange<Int>
    let innerSize: Int
    let hasKeys: Bool
    let hasQueries: Bool
    /// The keys and the queries that stand for distances, `[innerSize, rows]` each, in the order of growing distance from
    /// query to key; zeros where there are none.
    private let keys, queries: [Float]
    /// The column of every distance from query to key, from `1 - reach` on.
    private let columns: [Int32]
    /// Distances no longer than this have columns one behind the other.
    private let exact: Int

    /// - Parameters: `keys` and `queries` are `[rows, innerSize]`, projections of the rows that `distances.rows(reach:)`
    ///   names; one of them may be absent.
    public init(keys: Tensor?, queries: Tensor?, _ distances: DistanceRows, reach: Int) {
        let rows = distances.rows(reach: reach)
        guard let innerSize = (keys ?? queries)?.columns else { preconditionFailure("neither keys nor queries") }
        for table in [keys, queries].compactMap({ $0 }) {
            precondition(table.rows == rows.count && table.columns == innerSize, "\(table.shape) for rows \(rows)")
        }
        self.distances = distances
        self.reach = max(1, reach)
        self.rows = rows
        self.innerSize = innerSize
        hasKeys = keys != nil
        hasQueries = queries != nil
        self.keys = keys?.reversedColumns ?? [Float](repeating: 0, count: innerSize * rows.count)
        self.queries = queries?.reversedColumns ?? [Float](repeating: 0, count: innerSize * rows.count)
        let last = self.reach - 1
        columns = (-last...last).map { Int32(rows.upperBound - distances.row(of: -$0)) }
        var exact = 0
        while exact < last, distances.row(of: exact + 1) == distances.span + exact + 1,
            distances.row(of: -exact - 1) == distances.span - exact - 1
        { exact += 1 }
        self.exact = exact
    }

    /// The row of a distance from query to key in the projections.
    func row(ofDistance distance: Int) -> Int { rows.upperBound - rows.lowerBound - column(distance) }

    private func column(_ distance: Int) -> Int { Int(columns[distance + reach - 1]) }

    /// Copies one head's columns of distances.
    ///
    /// - Parameter target: becomes `[size, stride]` with distance 0 at `center` of every row.
    @unsafe
    func copy(
        _ table: Table, head: Int, size: Int, _ wanted: ClosedRange<Int>, to target: UnsafeMutablePointer<Float>,
        stride: Int, center: Int
    ) {
        let near = max(wanted.lowerBound, -exact)...min(wanted.upperBound, exact)
        let (count, first) = (rows.count, column(near.lowerBound))
        unsafe (table == .keys ? keys : queries).withUnsafeBufferPointer { values in
            for i in 0..<size {
                let source = unsafe values.baseAddress! + (head * size + i) * count
                let target = unsafe target + i * stride + center
                let (from, to) = unsafe (source + first, target + near.lowerBound)
                for d in 0..<near.count { unsafe to[d] = from[d] }
                if near == wanted { continue }
                for d in wanted.lowerBound..<near.lowerBound { unsafe target[d] = source[column(d)] }
                for d in near.upperBound + 1..<wanted.upperBound + 1 { unsafe target[d] = source[column(d)] }
            }
        }
    }

    /// Which of the two tables.
    enum Table { case keys, queries }
}

extension Tensor {
    /// The columns as rows, the last row's values first.
    fileprivate var reversedColumns: [Float] {
        let (rows, columns) = (rows, columns)
        var output = Tensor.uninitialized([columns, rows])
        unsafe values.withUnsafeBufferPointer { values in
            unsafe output.forEachRow { column, output in
                for row in 0..<rows { unsafe output[rows - 1 - row] = values[row * columns + column] }
            }
        }
        return output.values
    }
}
