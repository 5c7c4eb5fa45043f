# A PostgreSQL server that lives for one test run: own folder, own port, own password, gone afterwards. Dot-source it.

function Find-PostgreSql {
    $found = Get-Command initdb -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    $bin = if ($found) { (Get-Item $found.Source).ResolvedTarget ?? $found.Source } else {
        Get-Item '/usr/lib/postgresql/*/bin/initdb', 'C:/Program Files/PostgreSQL/*/bin/initdb.exe', '/opt/homebrew/opt/postgresql*/bin/initdb' -ErrorAction Ignore |
            Sort-Object { [int]($_.FullName -replace '.*?(\d+)[/\\]bin.*', '$1') } | Select-Object -Last 1 -ExpandProperty FullName
    }
    if ($bin) { Split-Path $bin }
}

# Returns a connection string, its port and its folder; nothing where there is no PostgreSQL. Settings ('name=value') come on top of those for tests.
function Start-PostgreSql([string[]] $Settings) {
    $bin = Find-PostgreSql
    if (-not $bin) { return }
    $folder = Join-Path ([IO.Path]::GetTempPath()) "ccexport-postgres-$([guid]::NewGuid().ToString('n').Substring(0, 8))"
    $null = New-Item $folder -ItemType Directory
    $secret = [guid]::NewGuid().ToString('n')
    Set-Content (Join-Path $folder 'password') $secret
    # The server refuses to run as root.
    $as = @()
    if ($IsLinux -and (id -u) -eq 0) {
        $as = @('runuser', '-u', 'postgres', '--')
        chown -R postgres $folder
    }
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    $data = Join-Path $folder 'data'
    $run = { param($Command, $Arguments) $all = @($as) + @((Join-Path $bin $Command)) + $Arguments; & $all[0] @($all | Select-Object -Skip 1) }
    & $run initdb @('-A', 'scram-sha-256', '-U', 'boss', "--pwfile=$(Join-Path $folder 'password')", '--no-sync', '-E', 'UTF8', '-D', $data) | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'initdb failed.' }
    & $run pg_ctl @('-D', $data, '-w', '-l', (Join-Path $folder 'log'), '-o', "-c listen_addresses=127.0.0.1 -p $port -k $folder -c fsync=off -c max_connections=200 $(($Settings | Where-Object { $_ } | ForEach-Object { "-c $_" }) -join ' ')", 'start') | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'PostgreSQL did not start.' }
    [pscustomobject]@{ Bin = $bin; Folder = $folder; Port = $port; As = $as; ConnectionString = "Host=127.0.0.1;Port=$port;Username=boss;Password=$secret;Database=postgres" }
}

function Stop-PostgreSql($Server) {
    $all = @($Server.As) + @((Join-Path $Server.Bin 'pg_ctl'), '-D', (Join-Path $Server.Folder 'data'), '-m', 'immediate', 'stop')
    & $all[0] @($all | Select-Object -Skip 1) | Out-Null
    Remove-Item $Server.Folder -Recurse -Force -ErrorAction Ignore
}
