using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace CcExport.Simulator.Insights;

/// <summary>
/// Computes profiles from their number. Of a hundred, two have no address and one has a malformed one; names have accents, quotes and backslashes, and some are
/// missing. An id leads back to its number.
/// </summary>
internal sealed class ProfileWriter(int seed)
{
    private const ulong Odd = 0x9E3779B97F4A7C15;

    private static readonly ulong OddInverse = Inverse(Odd);
    private static readonly Pool First = new("Anna", "Jürgen", "Zoë", "Mary \"May\"", "Oleh", "Łukasz", "Chloé", "Ingrid", "Олена", "Paul\\Pat", "李", "Ahmed", "Søren", "Renée", "John", "Ada", "D'Arcy");
    private static readonly Pool Last = new("Müller", "O'Neil", "Kowalski", "Smith", "Шевченко", "Nguyễn", "García \"el Rubio\"", "Back\\slash", "Åberg", "Jones", "Dvořák", "van der Berg", "Tab\tbed", "Li 😀", "Brown", "St. John");
    private static readonly Pool City = new("Kyiv", "München", "São Paulo", "Paris", "Kraków", "Seattle", "Москва \"M\"", "Reykjavík", "Zürich", "Oslo");
    private static readonly Pool Country = new("UA", "DE", "BR", "FR", "PL", "US", "IS", "CH");
    private static readonly byte[][] Domains = [.. Enumerable.Range(0, 40).Select(i => Encoding.ASCII.GetBytes($"mail{i}.example"))];

    private readonly ulong _salt = Mix((ulong)seed + Odd);

    /// <summary>Values as text, as JSON (one half of the escapes are those that nobody needs), and as a part of an address.</summary>
    private sealed class Pool(params string[] values)
    {
        public readonly string[] Values = values;
        public readonly byte[][] Json = [.. values.Select((v, i) => JsonBytes.Quoted(v, i % 2 == 0 ? JavaScriptEncoder.Default : JavaScriptEncoder.UnsafeRelaxedJsonEscaping))];
        public readonly byte[][] Local = [.. values.Select((v, i) => Encoding.ASCII.GetBytes(new string([.. v.Where(char.IsAsciiLetter)]).ToLowerInvariant() is { Length: > 0 } plain ? plain : $"p{i}"))];
    }

    private readonly record struct Draw(ulong Random)
    {
        public int First => (int)(Random % 17);
        public int Last => (int)((Random >> 8) % 16);
        public int City => (int)((Random >> 16) % 10);
        public int Country => (int)((Random >> 24) % 8);
        public int Domain => (int)((Random >> 32) % 40);
        public int Year => 1940 + (int)((Random >> 40) % 66);
        public int Month => 1 + (int)((Random >> 48) % 12);
        public int Day => 1 + (int)((Random >> 52) % 28);
        public int Points => (int)((Random >> 36) % 10_000);
    }

    private static ulong Mix(ulong x)
    {
        x ^= x >> 30;
        x *= 0xBF58476D1CE4E5B9;
        x ^= x >> 27;
        x *= 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private static ulong Inverse(ulong odd)
    {
        ulong x = odd;
        for (int i = 0; i < 6; i++) x *= 2 - (odd * x);
        return x;
    }

    private ulong High(long number) => Mix((ulong)number ^ _salt);

    private ulong Low(long number) => ((ulong)number * Odd) ^ _salt;

    private Draw Of(long number) => new(Mix((ulong)number + (_salt * 3)));

    private static bool HasNoAddress(long number) => number % 50 == 7;

    private static bool HasMalformed(long number) => number % 100 == 13;

    private static bool HasNoFirstName(long number) => number % 37 == 5;

    /// <summary>The number of an id; -1 when it is none of these.</summary>
    public long NumberOf(string id)
    {
        if (id.Length != 32 || !ulong.TryParse(id.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong high)
            || !ulong.TryParse(id.AsSpan(16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong low)) return -1;
        long number = (long)((low ^ _salt) * OddInverse);
        return number >= 0 && High(number) == high ? number : -1;
    }

    public void Id(JsonBytes json, long number)
    {
        json.Raw("\""u8);
        json.Hex(High(number));
        json.Hex(Low(number));
        json.Raw("\""u8);
    }

    public SimulatedProfile Profile(long number)
    {
        Draw draw = Of(number);
        string local = $"{Encoding.ASCII.GetString(First.Local[draw.First])}.{Encoding.ASCII.GetString(Last.Local[draw.Last])}{number.ToString(CultureInfo.InvariantCulture)}";
        string at = HasMalformed(number) ? " at " : "@";
        return new SimulatedProfile
        {
            CustomerId = High(number).ToString("x16", CultureInfo.InvariantCulture) + Low(number).ToString("x16", CultureInfo.InvariantCulture),
            Email = HasNoAddress(number) ? null : local + at + Encoding.ASCII.GetString(Domains[draw.Domain]),
            FirstName = HasNoFirstName(number) ? null : First.Values[draw.First],
            LastName = Last.Values[draw.Last],
            City = City.Values[draw.City],
            Country = Country.Values[draw.Country],
            BirthDate = string.Create(CultureInfo.InvariantCulture, $"{draw.Year:0000}-{draw.Month:00}-{draw.Day:00}"),
            Points = draw.Points,
        };
    }

    public void Value(JsonBytes json, long number, ProfileField field)
    {
        Draw draw = Of(number);
        switch (field)
        {
            case ProfileField.CustomerId:
                Id(json, number);
                break;
            case ProfileField.RowId:
                json.Text(RowId(string.Create(CultureInfo.InvariantCulture, $"{High(number):x16}{Low(number):x16}")));
                break;
            case ProfileField.Email:
                Email(json, number, draw);
                break;
            case ProfileField.FirstName:
                json.Raw(HasNoFirstName(number) ? "null"u8 : First.Json[draw.First]);
                break;
            case ProfileField.LastName:
                json.Raw(Last.Json[draw.Last]);
                break;
            case ProfileField.City:
                json.Raw(City.Json[draw.City]);
                break;
            case ProfileField.Country:
                json.Raw(Country.Json[draw.Country]);
                break;
            case ProfileField.Points:
                json.Number(draw.Points);
                break;
            default:
                json.Raw("\""u8);
                json.Digits(draw.Year, 4);
                json.Raw("-"u8);
                json.Digits(draw.Month, 2);
                json.Raw("-"u8);
                json.Digits(draw.Day, 2);
                json.Raw("\""u8);
                break;
        }
    }

    private static void Email(JsonBytes json, long number, Draw draw)
    {
        if (HasNoAddress(number))
        {
            json.Raw("null"u8);
            return;
        }
        json.Raw("\""u8);
        json.Raw(First.Local[draw.First]);
        json.Raw("."u8);
        json.Raw(Last.Local[draw.Last]);
        json.Number(number);
        json.Raw(HasMalformed(number) ? " at "u8 : "@"u8);
        json.Raw(Domains[draw.Domain]);
        json.Raw("\""u8);
    }

    /// <summary>A GUID for a profile's row, made of its id.</summary>
    private static string RowId(string customerId) => Guid.TryParseExact(customerId, "N", out Guid id) ? id.ToString("D") : new Guid(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(customerId)).AsSpan(0, 16)).ToString("D");

    public static void Value(JsonBytes json, SimulatedProfile profile, ProfileField field)
    {
        if (field == ProfileField.Points)
        {
            if (profile.Points is { } points) json.Number(points);
            else json.Raw("null"u8);
            return;
        }
        json.Text(field switch
        {
            ProfileField.CustomerId => profile.CustomerId,
            ProfileField.RowId => RowId(profile.CustomerId),
            ProfileField.Email => profile.Email,
            ProfileField.FirstName => profile.FirstName,
            ProfileField.LastName => profile.LastName,
            ProfileField.City => profile.City,
            ProfileField.Country => profile.Country,
            _ => profile.BirthDate,
        });
    }
}
