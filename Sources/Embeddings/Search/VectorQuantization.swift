public import Tensors

/// Smaller numbers than f32 in which vectors are written.
///
/// Source: sentence-transformers' `quantize_embeddings`, whose bytes these are.
public enum VectorQuantization: String, Sendable, CaseIterable {
    /// A signed byte for each value: its place in the range of its dimension, from -128 to 127.
    case int8
    /// The same from 0 to 255.
    case uint8
    /// A bit for each value, whether it is above 0: eight to a byte, the first the highest; less 128, as a signed byte.
    case binary
    /// The same bits as an unsigned byte.
    case ubinary

    /// Whether the ranges of the values must be known.
    public var needsRanges: Bool { self == .int8 || self == .uint8 }
    public var isSigned: Bool { self == .int8 || self == .binary }
    /// Bytes of a vector of `size` values.
    public func byteCount(_ size: Int) -> Int { needsRanges ? size : (size + 7) / 8 }
}

/// The least and the largest value of every dimension.
public struct ValueRanges: Equatable, Sendable {
    public private(set) var least: [Float]
    public private(set) var largest: [Float]

    /// Ranges of no vectors yet.
    public init(size: Int) {
        least = [Float](repeating: .infinity, count: size)
        largest = [Float](repeating: -.infinity, count: size)
    }

    init(least: [Float], largest: [Float]) { (self.least, self.largest) = (least, largest) }

    /// Widens the ranges to hold more vectors, `[vectors, size]`.
    public mutating func include(_ vectors: Tensor) {
        precondition(vectors.columns == least.count, "ranges of \(least.count) values, vectors \(vectors.shape)")
        let values = vectors.values.span
        for start in stride(from: 0, to: values.count, by: least.count) {
            for i in least.indices {
                least[i] = min(least[i], values[start + i])
                largest[i] = max(largest[i], values[start + i])
            }
        }
    }

    /// The width of one of the 256 steps of each dimension.
    var steps: [Float] {
        zip(least, largest).map { least, largest in
            let step = (largest - least) / 255
            return step == 0 ? 1 : step
        }
    }
}

/// Makes bytes of vectors.
public struct VectorQuantizer: Sendable {
    public let quantization: VectorQuantization
    private let starts: [Float]
    private let steps: [Float]

    /// - Parameter ranges: of the values, for `int8` and `uint8`; values beyond them are cut.
    /// - Precondition: the ranges are there where they are needed.
    public init(_ quantization: VectorQuantization, ranges: ValueRanges?) {
        precondition(!quantization.needsRanges || ranges != nil, "\(quantization) without ranges")
        self.quantization = quantization
        starts = ranges?.least ?? []
        steps = ranges?.steps ?? []
    }

    /// The bytes of a vector; those of signed numbers are two's complement.
    public func bytes(_ vector: ArraySlice<Float>) -> [UInt8] {
        switch quantization {
        case .int8, .uint8:
            let flip: UInt8 = quantization.isSigned ? 0x80 : 0
            return zip(vector, zip(starts, steps)).map { value, range in
                let place = ((value - range.0) / range.1).rounded(.down)
                return UInt8(max(0, min(255, place))) ^ flip
            }
        case .binary, .ubinary:
            var bytes = [UInt8](repeating: 0, count: (vector.count + 7) / 8)
            for (i, value) in vector.enumerated() where value > 0 { bytes[i / 8] |= 0x80 >> UInt8(i % 8) }
            return quantization.isSigned ? bytes.map { $0 ^ 0x80 } : bytes
        }
    }
}
