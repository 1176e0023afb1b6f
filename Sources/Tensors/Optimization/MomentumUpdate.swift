/// The update of a value that has one moment: sixteen values at a time.
protocol MomentumUpdate {
    /// What every value is multiplied by before it moves: weight decay.
    var decay: Float { get }
    /// Multiplies every gradient: gradient clipping.
    var gradientScale: Float { get }

    /// Moves the moment.
    ///
    /// - Returns: what is taken from the values; zeros where moment and gradient are zero.
    func update(_ moment: inout SIMD16<Float>, gradient: SIMD16<Float>) -> SIMD16<Float>
}

extension MomentumUpdate {
    /// Updates a tensor and its moment, which has its shape, in one pass over their memory.
    @inline(__always)
    func applyToAll(_ value: inout Tensor, _ moment: inout Tensor, gradient: Tensor) {
        precondition(value.shape == gradient.shape && value.shape == moment.shape, "gradient of \(value.shape)")
        unsafe gradient.values.withUnsafeBufferPointer { gradient in
            unsafe moment.withUnsafeMutableValues { moment in
                unsafe value.withUnsafeMutableValues { value in
                    unsafe forEachBlock(of: value) { range, value in
                        unsafe update(
                            value, UnsafeMutableBufferPointer(rebasing: moment[range]),
                            UnsafeBufferPointer(rebasing: gradient[range]))
                    }
                }
            }
        }
    }

    /// Updates a table of which only some rows have a gradient, as a gradient with zeros in all other rows would.
    ///
    /// - Parameter moved: for every row whether it ever had a gradient; kept up to date here.
    @inline(__always)
    func applyToRows(_ value: inout Tensor, _ moment: inout Tensor, gradient: SparseRows, moved: inout [Bool]) {
        precondition(gradient.shape == value.shape && moved.count == value.rows, "gradient of \(value.shape)")
        let columns = value.columns
        let slots = gradient.slots(moved: &moved)
        let moved = moved
        unsafe gradient.values.values.withUnsafeBufferPointer { gradient in
            unsafe moment.withUnsafeMutableValues { moment in
                unsafe value.forEachRow { row, value in
                    if !moved[row] {
                        if decay != 1 { for i in value.indices { unsafe value[i] *= decay } }
                        return
                    }
                    let slot = Int(slots[row])
                    unsafe update(
                        value, UnsafeMutableBufferPointer(rebasing: moment[row * columns..<(row + 1) * columns]),
                        slot < 0
                            ? nil : UnsafeBufferPointer(rebasing: gradient[slot * columns..<(slot + 1) * columns]))
                }
            }
        }
    }

    /// - Parameter gradient: `nil` stands for zeros.
    @unsafe @inline(__always)
    private func update(
        _ value: UnsafeMutableBufferPointer<Float>, _ moment: UnsafeMutableBufferPointer<Float>,
        _ gradient: UnsafeBufferPointer<Float>?
    ) {
        let whole = value.count & ~15
        for i in stride(from: 0, to: whole, by: 16) {
            let g = unsafe gradient.map { unsafe loadLanes($0, i) * gradientScale } ?? .zero
            var m = unsafe loadLanes(UnsafeBufferPointer(moment), i)
            let change = update(&m, gradient: g)
            let old = unsafe loadLanes(UnsafeBufferPointer(value), i)
            unsafe storeLanes(m, moment, i)
            unsafe storeLanes(old * decay - change, value, i)
        }
        for i in whole..<value.count {
            var m = unsafe SIMD16<Float>(repeating: moment[i])
            let g = unsafe SIMD16<Float>(repeating: (gradient?[i] ?? 0) * gradientScale)
            let change = update(&m, gradient: g)
            unsafe moment[i] = m[0]
            unsafe value[i] = value[i] * decay - change[0]
        }
    }
}

extension SparseRows {
    /// For every row of the table where its values stand, -1 where it has none; and notes the rows that have some.
    func slots(moved: inout [Bool]) -> [Int32] {
        var slots = [Int32](repeating: -1, count: shape.rows)
        for (slot, row) in rows.enumerated() {
            slots[Int(row)] = Int32(slot)
            moved[Int(row)] = true
        }
        return slots
    }
}
