require 'openssl'

# Mosquitto's password file, made without mosquitto_passwd: that tool wants the password as an argument.
# A line is login:$7$iterations$salt$hash (mosquitto_passwd(1)), PBKDF2 with SHA-512.
module MosquittoPasswords
  ITERATIONS = 10_000
  LINE = /\A(?<login>[^:]+):\$7\$(?<iterations>\d+)\$(?<salt>[^$]+)\$(?<hash>[^$]+)\Z/

  module_function

  # The file's content: what stands there when it already opens for that login, else a line with new salt.
  def content(path, login, password)
    current = File.exist?(path) ? File.read(path) : ''
    opens?(current, login, password) ? current : "#{line(login, password, OpenSSL::Random.random_bytes(12))}\n"
  end

  def opens?(current, login, password)
    found = LINE.match(current.chomp)
    return false unless found && found[:login] == login

    current.chomp == line(login, password, found[:salt].unpack1('m'), found[:iterations].to_i)
  end

  def line(login, password, salt, iterations = ITERATIONS)
    hash = OpenSSL::KDF.pbkdf2_hmac(password, salt: salt, iterations: iterations, length: 64, hash: 'sha512')
    "#{login}:$7$#{iterations}$#{[salt].pack('m0')}$#{[hash].pack('m0')}"
  end
end
