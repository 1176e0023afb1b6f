import CPlatform

/// Sixteen rows of sixteen words become columns.
///
/// Four times, every row is put between the numbers of the one eight rows before: the number of a place, read as bits of row
/// and column, turns by one bit each time, and rows and columns have changed their places in the end.
///
/// - Parameters:
///   - row: of an index below 16.
///   - stride: the distance between two rows of the target.
///   - columns: of these rows that are wanted, which are as many rows of the target.
@unsafe @inline(__always)
func transposeTile(
    into target: UnsafeMutablePointer<UInt32>, stride: Int, columns: Int = 16, row: (Int) -> SIMD16<UInt32>
) {
    // Twice a kilobyte, of which each is on the stack.
    unsafe withUnsafeTemporaryAllocation(of: SIMD16<UInt32>.self, capacity: 16) { first in
        unsafe withUnsafeTemporaryAllocation(of: SIMD16<UInt32>.self, capacity: 16) { second in
            var from = first.baseAddress!
            var to = second.baseAddress!
            for i in 0..<16 { unsafe from[i] = row(i) }
            for _ in 0..<4 {
                for i in 0..<8 {
                    unsafe to[2 * i] = cplatform_zipped_first(from[i], from[i + 8])
                    unsafe to[2 * i + 1] = cplatform_zipped_second(from[i], from[i + 8])
                }
                unsafe (from, to) = (to, from)
            }
            for i in 0..<columns {
                unsafe UnsafeMutableRawPointer(target + i * stride).storeBytes(of: from[i], as: SIMD16<UInt32>.self)
            }
        }
    }
}

/// `[rows, columns]` to `[columns, rows]`, with zeros behind the last row to the end of its tile of 32.
///
/// - Parameters:
///   - sourceStride: the distance between two rows.
///   - stride: the distance between two rows of the target.
@unsafe
func transpose(
    _ source: UnsafePointer<Float>, _ sourceStride: Int, rows: Int, columns: Int,
    into target: UnsafeMutablePointer<Float>, stride: Int
) {
    let words = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt32.self)
    let whole = columns & ~15
    for first in Swift.stride(from: 0, to: paddedToTiles(rows), by: 16) {
        for column in Swift.stride(from: 0, to: whole, by: 16) {
            unsafe transposeTile(into: words + column * stride + first, stride: stride) { row in
                first + row < rows
                    ? unsafe unsafeBitCast(
                        lanes(source + (first + row) * sourceStride + column), to: SIMD16<UInt32>.self) : .zero
            }
        }
        for column in whole..<columns {
            let target = unsafe target + column * stride + first
            for row in 0..<16 {
                unsafe target[row] = first + row < rows ? source[(first + row) * sourceStride + column] : 0
            }
        }
    }
}
