#Requires -Version 7.4
<#
.SYNOPSIS
    Measures the main job side by side, interleaved, each run in a process of its own that tells its own CPU time and peak memory.
.PARAMETER Rows
    Profiles of the file.
.PARAMETER Rounds
    Rounds of A, B, C, …; medians are shown.
.PARAMETER Ways
    Some of: script, floor, path, pipe, shell (an empty one: how fast this machine starts a shell differs more than anything else), null; and, to see what durability costs, durable and memory: the same run of the engine without a
    shell, with everything on, and with the spool and the journal of runs in memory.
.PARAMETER WithLimit
    Also one run with the call limit on, for the time from AllSealed to the last import accepted.
#>
[CmdletBinding()]
param(
    [long] $Rows = 1000000,
    [int] $Rounds = 3,
    [string[]] $Ways = @('script', 'floor', 'path', 'pipe', 'shell', 'null'),
    [switch] $WithLimit
)
$ErrorActionPreference = 'Stop'
$Ways = $Ways -split ','
$root = Split-Path (Split-Path $PSScriptRoot)
$module = Join-Path $root 'out/CcExport/CcExport.psd1'
$tool = Join-Path $root 'tests/CcExport.Benchmarks/bin/Release/net10.0/CcExport.Benchmarks.dll'
$work = Join-Path ([IO.Path]::GetTempPath()) "ccexport-bench-$([guid]::NewGuid().ToString('n'))"
$null = New-Item $work -ItemType Directory
$env:CCEXPORT_HOME = Join-Path $work 'home'
try {
    Import-Module $module
    $csv = Join-Path $work "people.csv"
    dotnet $tool generate $Rows $csv
    Write-Host ('{0:N0} profiles of 14 columns, {1:N0} bytes; {2} rounds; {3} cores' -f $Rows, (Get-Item $csv).Length, $Rounds, [Environment]::ProcessorCount)
    # Each sending run has an account, a list and a home of its own, all empty: what one has left behind would be read by the next.
    function Start-Service {
        if ($script:simulator) { Stop-CcSimulator }
        if (Test-Path $env:CCEXPORT_HOME) { Remove-Item $env:CCEXPORT_HOME -Recurse -Force }
        $script:simulator = Start-CcSimulator
        $null = $simulator | New-CcConnection -AcceptDataPrivacy
        # Without the limit the time is ours alone; jobs are short so that following them costs no waiting.
        $null = Invoke-RestMethod "$($simulator.Url)admin/options" -Method Post -ContentType application/json -Body '{"rateLimit":"off","tokenRateLimit":false,"jobPerRowMicroseconds":0}'
        $token = (Invoke-RestMethod "$($simulator.Url)admin/tokens/issue" -Method Post -ContentType application/json -Body '{}').refreshToken
        $script:access = (Invoke-RestMethod "$($simulator.AuthorizationEndpoint)/token" -Method Post -Body @{ grant_type = 'refresh_token'; refresh_token = $token; client_id = $simulator.ClientId }).access_token
    }
    $simulator = $access = $null

    $candidate = Join-Path $PSScriptRoot 'Candidate.ps1'
    # The tool with the engine as users have it: compiled ahead of time, where the build could.
    $compiled = Join-Path $work 'tool'
    Copy-Item (Split-Path $tool) $compiled -Recurse
    Copy-Item (Join-Path $root 'out/CcExport/bin/deps/runtimes/linux-x64/lib/net10.0/*.dll') $compiled -Force -ErrorAction Ignore
    $compiled = Join-Path $compiled (Split-Path $tool -Leaf)
    $commands = [ordered]@{
        script = { dotnet pwsh -NoProfile -NonInteractive -File (Join-Path $PSScriptRoot 'AdminScript.ps1') $csv $simulator.ApiEndpoint $access $simulator.ListId }
        floor  = { dotnet $tool floor $csv | Select-Object -Last 1 }
        path   = { dotnet pwsh -NoProfile -NonInteractive -File $candidate path $module $csv $simulator.ListId }
        shell  = { dotnet pwsh -NoProfile -NonInteractive -File $candidate shell $module $csv - }
        null   = { dotnet pwsh -NoProfile -NonInteractive -File $candidate null $module $csv $simulator.ListId }
        pipe   = { dotnet pwsh -NoProfile -NonInteractive -File $candidate pipe $module $csv $simulator.ListId }
        memory = { dotnet $compiled memory $csv $simulator.ListId }
        durable = { dotnet $compiled durable $csv $simulator.ListId }
    }
    $results = @{}
    foreach ($round in 1..$Rounds) {
        foreach ($way in $commands.Keys | Where-Object { $_ -in $Ways }) {
            if ($way -notin 'floor', 'shell', 'null') { Start-Service }
            $line = & $commands[$way] | Select-Object -Last 1
            if ($LASTEXITCODE -ne 0) { throw "$way failed: $line" }
            $measured = $line | ConvertFrom-Json
            if ($way -in 'path', 'pipe', 'durable', 'memory' -and $measured.status -ne 'Completed') { throw "$way ended as $($measured.status)." }
            $results[$way] += , $measured
            Write-Verbose "$round $way $line"
        }
    }
    function Median([double[]] $Values) { $sorted = $Values | Sort-Object; $sorted[[int][math]::Floor($sorted.Count / 2)] }
    $commands.Keys | Where-Object { $results.ContainsKey($_) } | ForEach-Object {
        $cpu = Median $results[$_].cpu
        [pscustomobject]@{
            Way      = $_
            'CPU s'  = '{0:N2}' -f $cpu
            'range'  = '{0:N2} - {1:N2}' -f ($results[$_].cpu | Measure-Object -Minimum).Minimum, ($results[$_].cpu | Measure-Object -Maximum).Maximum
            'wall s' = '{0:N2}' -f (Median $results[$_].wall)
            'peak MB' = '{0:N0}' -f (Median $results[$_].peakMB)
            'script / this' = if ($results.script) { '{0:N1}' -f ((Median $results.script.cpu) / $cpu) }
            'this / floor'  = if ($results.floor) { '{0:N1}' -f ($cpu / (Median $results.floor.cpu)) }
            'this / shell'  = if ($results.shell) { '{0:N1}' -f ($cpu / (Median $results.shell.cpu)) }
            'this / null'   = if ($results.null) { '{0:N2}' -f ($cpu / (Median $results.null.cpu)) }
        }
    } | Format-Table | Out-Host

    if ($results.durable -and $results.memory) {
        foreach ($part in @{ Of = 'cpu'; Says = 'the whole process' }, @{ Of = 'runCpu'; Says = 'the run alone' }) {
            $of = $part.Of
            $pairs = @(0..($Rounds - 1) | ForEach-Object { $results.durable[$_].$of / $results.memory[$_].$of })
            Write-Host ('Durability, CPU of {0}: {1:N2} s against {2:N2} s, {3:N2} times; round by round {4}' -f $part.Says, (Median $results.durable.$of),
                (Median $results.memory.$of), ((Median $results.durable.$of) / (Median $results.memory.$of)), (($pairs | ForEach-Object { $_.ToString('N2') }) -join ', '))
        }
    }

    if ($WithLimit) {
        Start-Service
        $null = Invoke-RestMethod "$($simulator.Url)admin/options" -Method Post -ContentType application/json -Body '{"rateLimit":"rolling"}'
        $null = Invoke-RestMethod "$($simulator.Url)admin/stats" -Method Delete
        $line = & $commands.path | Select-Object -Last 1 | ConvertFrom-Json
        $calls = @((Invoke-RestMethod "$($simulator.Url)admin/calls") | ForEach-Object { $_ } | Where-Object path -Like '*contacts_json_import')
        $stats = (Invoke-RestMethod "$($simulator.Url)admin/stats").calls
        $run = Get-CcRun -Last 1
        $last = ($calls.at | ForEach-Object { [datetimeoffset] $_ } | Measure-Object -Maximum).Maximum
        $first = ($calls.at | ForEach-Object { [datetimeoffset] $_ } | Measure-Object -Minimum).Minimum
        Write-Host ('With the limit: {0} imports, {1:N2} s from the first to the last (1.1 x (calls - 1) / 4 = {2:N2} s), most calls in any second {3}, refused {4}, status {5}' -f
            $calls.Count, ($last - $first).TotalSeconds, (1.1 * ($calls.Count - 1) / 4), $stats.maxInAnySecond, $stats.refused, $run.Status)
    }
}
finally {
    Stop-CcSimulator
    Remove-Item $work -Recurse -Force -ErrorAction Ignore
}
