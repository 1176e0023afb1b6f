import Glibc

/// The angles by which rotary positions turn pairs of a head's columns: column `i` and column `i + size / 2` at place `p` by
/// `p·base^(-2i / size)`.
///
/// Source: Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", §3.4.2, with the pairs of
/// GPT-NeoX.
public struct RotaryTable: Sendable {
    /// Places that have angles.
    public let positions: Int
    /// Columns of a head that are turned, its first.
    public let size: Int
    /// `[positions, size / 2]` each.
    fileprivate let cosines: Tensor
    fileprivate let sines: Tensor

    /// Rounds where transformers does: frequencies are the reciprocals of powers in f32, and angles products in f32, which
    /// at far places moves them by more than any later rounding.
    ///
    /// - Parameter ntkFactor: slows all pairs down, the last ones by about this factor, for texts that much longer than those
    ///   the base was made for. Source: Su 2023, "Transformer upgrade path 10: RoPE is a β-ary encoding"
    ///   (kexue.fm/archives/9706), as released with Zhang et al. 2024, "mGTE".
    public init(positions: Int, size: Int, base: Double, ntkFactor: Double = 1) {
        precondition(
            size > 0 && size % 2 == 0 && base > 0 && ntkFactor > 0,
            "rotary positions of \(size) columns to base \(base)")
        (self.positions, self.size) = (positions, size)
        let slowing = Float(pow(ntkFactor, 2 / Double(size)))
        let frequencies = stride(from: 0, to: size, by: 2).map {
            1 / Float(pow(base * ntkFactor, Double(Float($0) / Float(size)))) / slowing
        }
        let half = size / 2
        var cosines = Tensor.uninitialized([positions, half])
        var sines = cosines
        unsafe sines.withUnsafeMutableValues { sines in
            unsafe cosines.forEachRow { place, cosines in
                for i in 0..<half {
                    let angle = Double(Float(place) * frequencies[i])
                    unsafe cosines[i] = Float(cos(angle))
                    unsafe sines[place * half + i] = Float(sin(angle))
                }
            }
        }
        (self.cosines, self.sines) = (cosines, sines)
    }

    /// Turns the heads of a row, each of `headSize` columns.
    @unsafe @inline(__always)
    fileprivate func turn(
        _ row: UnsafeMutablePointer<Float>, columns: Int, headSize: Int, _ cosines: UnsafePointer<Float>,
        _ sines: UnsafePointer<Float>, _ sign: Float
    ) {
        let half = size / 2
        for head in stride(from: 0, to: columns, by: headSize) {
            let (first, second) = unsafe (row + head, row + head + half)
            for i in 0..<half {
                let (x, y, cosine, sine) = unsafe (first[i], second[i], cosines[i], sign * sines[i])
                unsafe first[i] = x * cosine - y * sine
                unsafe second[i] = y * cosine + x * sine
            }
        }
    }

    /// Calls `body` with the angles of place 0.
    @unsafe
    fileprivate func withAngles(_ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void) {
        unsafe cosines.values.withUnsafeBufferPointer { cosines in
            unsafe sines.values.withUnsafeBufferPointer { sines in
                guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else { return }
                unsafe body(cosines, sines)
            }
        }
    }

    fileprivate func check(_ places: [Int32], rows: Int, columns: Int, headSize: Int) {
        precondition(
            headSize >= size && columns % headSize == 0, "\(columns) columns of heads of \(headSize), \(size) turned")
        precondition(places.count == rows, "\(places.count) places of \(rows) rows")
        precondition(places.allSatisfy { (0..<Int32(positions)).contains($0) }, "a place beyond \(positions)")
    }
}

extension Tensor {
    /// Turns the heads of every row, `[tokens, heads·headSize]`, by the angles of its place.
    ///
    /// - Parameter inverse: turns back: the backward pass, on the gradient.
    public mutating func rotate(by table: RotaryTable, at places: [Int32], headSize: Int, inverse: Bool = false) {
        table.check(places, rows: rows, columns: columns, headSize: headSize)
        let (columns, half, sign) = (columns, table.size / 2, Float(inverse ? -1 : 1))
        unsafe table.withAngles { cosines, sines in
            unsafe forEachRow { row, values in
                let start = Int(places[row]) * half
                unsafe table.turn(
                    values.baseAddress!, columns: columns, headSize: headSize, cosines + start, sines + start, sign)
            }
        }
    }
}

extension Activations {
    /// Turns the heads that stand in some columns of every row, such as the keys of `keyValue`, by the angles of its place.
    ///
    /// - Precondition: the rows are for attention, in f32.
    public func rotate(_ range: Range<Int>? = nil, by table: RotaryTable, at places: [Int32], headSize: Int) {
        let range = range ?? 0..<columns
        table.check(places, rows: rows, columns: range.count, headSize: headSize)
        precondition(range.upperBound <= columns && precision == .f32, "\(range) of \(columns) columns in \(precision)")
        let (count, half, part) = (rows, table.size / 2, 64)
        unsafe table.withAngles { cosines, sines in
            ThreadPool.shared.run((count + part - 1) / part) { block in
                for row in block * part..<min(count, (block + 1) * part) {
                    let start = Int(places[row]) * half
                    unsafe table.turn(
                        values[row] + range.lowerBound, columns: range.count, headSize: headSize, cosines + start,
                        sines + start, 1)
                }
            }
        }
    }
}
