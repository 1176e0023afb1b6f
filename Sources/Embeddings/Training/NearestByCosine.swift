import Tensors

/// The rows of a matrix that are most alike to others, by cosine.
enum NearestByCosine {
    /// The nearest documents of every query, the first ones first.
    ///
    /// - Parameters:
    ///   - count: of each query, at most.
    ///   - excluded: of every query a document that does not count.
    static func documents(
        for queries: Tensor, among documents: Tensor, count: Int, except excluded: [Int]? = nil
    ) -> [[RankedRow]] {
        let found = StoredTensor(UnitRows(documents).rows).nearest(
            to: UnitRows(queries).rows, count: excluded == nil ? count : count + 1, by: .dot)
        guard let excluded else { return found }
        return zip(found, excluded).map { rows, own in Array(rows.filter { Int($0.row) != own }.prefix(count)) }
    }
}
