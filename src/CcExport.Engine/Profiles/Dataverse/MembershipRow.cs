using System.Text.Json;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>
/// The column of a membership row that lists a profile's segments: a JSON text, <c>{"Segments":["A","B"]}</c>; a bare array is taken as well.
/// </summary>
internal static class MembershipRow
{
    /// <summary>Memberships of contacts and accounts have ids of other tables.</summary>
    public static bool IsOfCustomer(ReadOnlySpan<byte> type) => type.IsEmpty || (type.Length == 8 && (type[0] | 0x20) == 'c' && type[1..].SequenceEqual("ustomer"u8));

    /// <summary>The list without the escapes of the row that it stands in.</summary>
    /// <param name="written">As it stands there: the quotes of a text's own are escaped, so what has bare ones is no text but the object itself.</param>
    public static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> written, string place)
    {
        if (!written.Contains((byte)'\\') || written.TrimStart(" \t\r\n"u8)[1..].TrimStart(" \t\r\n"u8).StartsWith("\""u8)) return written;
        byte[] quoted = [(byte)'"', .. written, (byte)'"'], plain = new byte[written.Length];
        try
        {
            var json = new Utf8JsonReader(quoted);
            json.Read();
            return plain.AsSpan(0, json.CopyString(plain));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Unreadable(place);
        }
    }

    /// <summary>Positions in <paramref name="names"/> of those that the text lists.</summary>
    /// <param name="names">In UTF-8; compared exactly.</param>
    public static int[] Find(ReadOnlySpan<byte> text, IReadOnlyList<byte[]> names, string place)
    {
        List<int> found = [];
        try
        {
            var json = new Utf8JsonReader(text);
            if (!ToArray(ref json)) return [];
            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                if (json.TokenType != JsonTokenType.String) throw new JsonException();
                for (int i = 0; i < names.Count; i++)
                {
                    if (json.ValueTextEquals(names[i]) && !found.Contains(i)) found.Add(i);
                }
            }
            // To the end: half a text may have lost whom it names.
            while (json.Read()) { }
            return [.. found];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Unreadable(place);
        }
    }

    /// <summary>All that the text lists.</summary>
    public static IReadOnlyList<string> Names(ReadOnlySpan<byte> text, string place)
    {
        List<string> names = [];
        try
        {
            var json = new Utf8JsonReader(text);
            if (!ToArray(ref json)) return [];
            while (json.Read() && json.TokenType != JsonTokenType.EndArray) names.Add(json.TokenType == JsonTokenType.String ? json.GetString()! : throw new JsonException());
            while (json.Read()) { }
            return names;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Unreadable(place);
        }
    }

    /// <summary>To the list; false where the object has none.</summary>
    private static bool ToArray(ref Utf8JsonReader json)
    {
        if (!json.Read()) throw new JsonException();
        if (json.TokenType == JsonTokenType.StartArray) return true;
        if (json.TokenType != JsonTokenType.StartObject) throw new JsonException();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool list = json.ValueTextEquals("Segments"u8) || json.ValueTextEquals("segments"u8);
            json.Read();
            if (list && json.TokenType == JsonTokenType.StartArray) return true;
            json.Skip();
        }
        return false;
    }

    public static CcException Unreadable(string place) => new("MembershipUnreadable", CcErrorKind.InvalidData,
        "A row of the segment memberships does not hold the list of segments that it should: who is a member cannot be known.",
        "Wait until a refresh of Customer Insights - Data is over, then try again; if it stays, ask its support about the column msdynci_segments.")
    { Subject = place };
}
