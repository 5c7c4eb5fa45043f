using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine;

/// <summary>
/// Some profiles and the names of their columns. A profile is packed in one array, which is all that it costs until somebody looks at a value: where each
/// value begins (four bytes each, one more for the end of the last; the top bit says that the value is not there), then the values as UTF-8.
/// </summary>
/// <param name="Columns">Names of the columns.</param>
/// <param name="Rows">Packed profiles.</param>
public sealed record ProfilePage(IReadOnlyList<string> Columns, IReadOnlyList<byte[]> Rows)
{
    private const uint Missing = 0x8000_0000;

    /// <summary>A value of a packed profile as UTF-8; empty when it is not there.</summary>
    public static ReadOnlySpan<byte> Utf8(byte[] row, int column, out bool missing)
    {
        ArgumentNullException.ThrowIfNull(row);
        uint begin = BinaryPrimitives.ReadUInt32LittleEndian(row.AsSpan(column * 4));
        missing = (begin & Missing) != 0;
        int start = (int)(begin & ~Missing), end = (int)(BinaryPrimitives.ReadUInt32LittleEndian(row.AsSpan((column + 1) * 4)) & ~Missing);
        return row.AsSpan(start, end - start);
    }

    /// <summary>A value of a packed profile; null when it is not there.</summary>
    public static string? Text(byte[] row, int column)
    {
        ReadOnlySpan<byte> utf8 = Utf8(row, column, out bool missing);
        return missing ? null : Encoding.UTF8.GetString(utf8);
    }

    /// <summary>The profile with another value, or none, in a column.</summary>
    public static byte[] With(byte[] row, int column, string? value)
    {
        int columns = (int)(BinaryPrimitives.ReadUInt32LittleEndian(row) & ~Missing) / 4 - 1;
        byte[] given = Encoding.UTF8.GetBytes(value ?? "");
        byte[] changed = new byte[row.Length - Utf8(row, column, out _).Length + given.Length];
        int at = (columns + 1) * 4;
        for (int i = 0; i < columns; i++)
        {
            ReadOnlySpan<byte> text = Utf8(row, i, out bool missing);
            if (i == column)
            {
                text = given;
                missing = value is null;
            }
            Begin(changed, i, at, missing);
            text.CopyTo(changed.AsSpan(at));
            at += text.Length;
        }
        Begin(changed, columns, at, missing: false);
        return changed;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static byte[] Pack(ProfileBatch batch, int row)
    {
        int columns = batch.Columns, at = (columns + 1) * 4, length = at;
        for (int i = 0; i < columns; i++) length += batch[row, i].Length;
        byte[] packed = GC.AllocateUninitializedArray<byte>(length);
        for (int i = 0; i < columns; i++)
        {
            ReadOnlySpan<byte> text = batch[row, i];
            Begin(packed, i, at, batch.IsNull(row, i));
            text.CopyTo(packed.AsSpan(at));
            at += text.Length;
        }
        Begin(packed, columns, at, missing: false);
        return packed;
    }

    private static void Begin(byte[] row, int column, int at, bool missing)
        => BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(column * 4), (uint)at | (missing ? Missing : 0));
}
