using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;

using Parquet.Meta;

namespace CcExport.Engine.Profiles;

/// <summary>As what the values of a column are read.</summary>
internal enum ParquetKind
{
    /// <summary>Not at all: no text is known for such.</summary>
    None,
    /// <summary>Bytes that are text.</summary>
    Text,
    /// <summary>Bytes that are a decimal number, a GUID or a half-precision number.</summary>
    Bytes,
    Boolean,
    Int32,
    Int64,
    Single,
    Double,
    /// <summary>The old form of an instant.</summary>
    Int96,
}

/// <summary>
/// The text of values that are not text, as a CSV export has it: ISO 8601 for dates and times (an instant with Z), a point in numbers, GUIDs with hyphens,
/// <c>true</c> and <c>false</c>.
/// </summary>
internal static class ParquetValues
{
    /// <summary>Bytes that no value's text is longer than.</summary>
    public const int Longest = 128;

    private const string InstantFormat = "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", LocalFormat = "yyyy-MM-ddTHH:mm:ss.FFFFFFF", TimeFormat = "HH:mm:ss.FFFFFFF";
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <summary>Writes a value; returns its length, or -1 for one that has no text (a date of the year 12000).</summary>
    public delegate int Write<T>(T value, Span<byte> to);

    public static ParquetKind KindOf(SchemaElement element) => element.Type switch
    {
        Parquet.Meta.Type.BOOLEAN => ParquetKind.Boolean,
        Parquet.Meta.Type.INT32 => ParquetKind.Int32,
        Parquet.Meta.Type.INT64 => ParquetKind.Int64,
        Parquet.Meta.Type.INT96 => ParquetKind.Int96,
        Parquet.Meta.Type.FLOAT => ParquetKind.Single,
        Parquet.Meta.Type.DOUBLE => ParquetKind.Double,
        Parquet.Meta.Type.BYTE_ARRAY => IsDecimal(element) ? ParquetKind.Bytes : element.ConvertedType == ConvertedType.BSON ? ParquetKind.None : ParquetKind.Text,
        Parquet.Meta.Type.FIXED_LEN_BYTE_ARRAY => IsDecimal(element) || element.LogicalType?.UUID is not null || element.LogicalType?.FLOAT16 is not null
            ? ParquetKind.Bytes : ParquetKind.None,
        _ => ParquetKind.None,
    };

    public static int Boolean(bool value, Span<byte> to)
    {
        ReadOnlySpan<byte> text = value ? "true"u8 : "false"u8;
        text.CopyTo(to);
        return text.Length;
    }

    public static int Number(float value, Span<byte> to) => value.TryFormat(to, out int length, "R", Invariant) ? length : -1;

    public static int Number(double value, Span<byte> to) => value.TryFormat(to, out int length, "R", Invariant) ? length : -1;

    public static int Instant(DateTime value, Span<byte> to) => value.TryFormat(to, out int length, InstantFormat, Invariant) ? length : -1;

    public static Write<int> Int32(SchemaElement element)
    {
        if (IsDecimal(element)) return Scaled<int>(element);
        if (element.LogicalType?.DATE is not null || element.ConvertedType == ConvertedType.DATE) return Date;
        if (element.LogicalType?.TIME is not null || element.ConvertedType == ConvertedType.TIME_MILLIS)
            return static (value, to) => Time(value, TimeSpan.TicksPerMillisecond, 1, to);
        return IsUnsigned(element)
            ? static (value, to) => Utf8Formatter.TryFormat((uint)value, to, out int length) ? length : -1
            : static (value, to) => Utf8Formatter.TryFormat(value, to, out int length) ? length : -1;
    }

    public static Write<long> Int64(SchemaElement element)
    {
        if (IsDecimal(element)) return Scaled<long>(element);
        if (element.LogicalType?.TIMESTAMP is { } stamp)
        {
            (long many, long each) = Ticks(stamp.Unit);
            string format = stamp.IsAdjustedToUTC ? InstantFormat : LocalFormat;
            return (value, to) => Timestamp(value, many, each, format, to);
        }
        if (element.ConvertedType == ConvertedType.TIMESTAMP_MILLIS)
            return static (value, to) => Timestamp(value, TimeSpan.TicksPerMillisecond, 1, InstantFormat, to);
        if (element.ConvertedType == ConvertedType.TIMESTAMP_MICROS)
            return static (value, to) => Timestamp(value, TimeSpan.TicksPerMicrosecond, 1, InstantFormat, to);
        if (element.LogicalType?.TIME is { } time)
        {
            (long many, long each) = Ticks(time.Unit);
            return (value, to) => Time(value, many, each, to);
        }
        if (element.ConvertedType == ConvertedType.TIME_MICROS) return static (value, to) => Time(value, TimeSpan.TicksPerMicrosecond, 1, to);
        return IsUnsigned(element)
            ? static (value, to) => Utf8Formatter.TryFormat((ulong)value, to, out int length) ? length : -1
            : static (value, to) => Utf8Formatter.TryFormat(value, to, out int length) ? length : -1;
    }

    public static Write<ReadOnlyMemory<byte>> Bytes(SchemaElement element)
    {
        if (element.LogicalType?.UUID is not null)
            return static (value, to) => value.Length == 16 && new Guid(value.Span, bigEndian: true).TryFormat(to, out int length, "D") ? length : -1;
        if (element.LogicalType?.FLOAT16 is not null)
            return static (value, to) => value.Length == 2 && BinaryPrimitives.ReadHalfLittleEndian(value.Span).TryFormat(to, out int length, "R", Invariant) ? length : -1;
        int scale = ScaleOf(element);
        return (value, to) => value.Length > 32 ? -1 : Decimal(new BigInteger(value.Span, isUnsigned: false, isBigEndian: true), scale, to);
    }

    private static Write<T> Scaled<T>(SchemaElement element) where T : struct, IBinaryInteger<T>
    {
        int scale = ScaleOf(element);
        return (value, to) => Decimal(BigInteger.CreateChecked(value), scale, to);
    }

    /// <summary>A whole number of the last decimal place, with the point where it belongs; all its places, as they are a sum of money's.</summary>
    private static int Decimal(BigInteger unscaled, int scale, Span<byte> to)
    {
        bool negative = unscaled.Sign < 0;
        string digits = BigInteger.Abs(unscaled).ToString(Invariant).PadLeft(scale + 1, '0');
        int whole = digits.Length - scale;
        int length = digits.Length + (negative ? 1 : 0) + (scale > 0 ? 1 : 0);
        if (length > to.Length) return -1;
        if (negative) to[0] = (byte)'-';
        to = to[(negative ? 1 : 0)..];
        System.Text.Encoding.ASCII.GetBytes(digits.AsSpan(0, whole), to);
        if (scale == 0) return length;
        to[whole] = (byte)'.';
        System.Text.Encoding.ASCII.GetBytes(digits.AsSpan(whole), to[(whole + 1)..]);
        return length;
    }

    private static int Date(int day, Span<byte> to)
    {
        long number = day + (long)new DateOnly(1970, 1, 1).DayNumber;
        return number >= 0 && number <= DateOnly.MaxValue.DayNumber && DateOnly.FromDayNumber((int)number).TryFormat(to, out int length, "yyyy-MM-dd", Invariant) ? length : -1;
    }

    private static int Timestamp(long value, long many, long each, string format, Span<byte> to)
    {
        long ticks = value >= 0 || each == 1 ? value / each : (value - each + 1) / each;
        Int128 whole = ((Int128)ticks * many) + DateTime.UnixEpoch.Ticks;
        return whole >= 0 && whole <= DateTime.MaxValue.Ticks && new DateTime((long)whole).TryFormat(to, out int length, format, Invariant) ? length : -1;
    }

    private static int Time(long value, long many, long each, Span<byte> to)
    {
        Int128 ticks = (Int128)(value / each) * many;
        return ticks >= 0 && ticks <= TimeOnly.MaxValue.Ticks && new TimeOnly((long)ticks).TryFormat(to, out int length, TimeFormat, Invariant) ? length : -1;
    }

    /// <summary>Ticks of a unit; how many units make a tick.</summary>
    private static (long Many, long Each) Ticks(TimeUnit unit)
        => unit.MILLIS is not null ? (TimeSpan.TicksPerMillisecond, 1) : unit.MICROS is not null ? (TimeSpan.TicksPerMicrosecond, 1) : (1, TimeSpan.NanosecondsPerTick);

    private static bool IsDecimal(SchemaElement element) => element.LogicalType?.DECIMAL is not null || element.ConvertedType == ConvertedType.DECIMAL;

    private static int ScaleOf(SchemaElement element) => Math.Clamp(element.LogicalType?.DECIMAL?.Scale ?? element.Scale ?? 0, 0, 76);

    private static bool IsUnsigned(SchemaElement element)
        => element.LogicalType?.INTEGER is { IsSigned: false } || element.ConvertedType is ConvertedType.UINT_8 or ConvertedType.UINT_16 or ConvertedType.UINT_32 or ConvertedType.UINT_64;
}
